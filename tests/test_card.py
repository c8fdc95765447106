"""What a CUDA card computes is what the CPU computes, and the report of a run on one is whole."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSequenceClassification

from finetune.errors import FinetuneError
from finetune.run.config import DEFAULTS
from finetune.run.output_folder import stopped_run
from finetune.training.train import train
from tests.benchmarks import card
from tests.benchmarks.card_peaks import peak_named, peak_of
from tests.benchmarks.card_report import PartResult, launch_command, run_parts
from tests.benchmarks.card_training import operations
from tests.conftest import TEXT
from tests.finetune.news import news, write_csv
from tests.finetune.runs import fail_snapshot, silent, tiny_run
from viz import Attention, Classifier, attribute
from viz.attribution import resolve_target
from viz.faithfulness.metrics import measure
from viz.model.perturbation import OPERATORS, Operator, Perturbation

DEVICES = ("cuda", "cpu")
TINY = replace(card.CHECK_SIZES, rows=8, batch_size=4, side=16, lengths=(12,))


def test_the_report_names_each_part_and_what_became_of_it(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "default_checkpoint", lambda: checkpoint)
    only = [
        "matmul",
        "tests",
        "training-MiniLM-packed",
        "read",
        "predict",
        "decomposition",
        "score",
    ]

    def launch(part: str, seconds: float) -> PartResult:
        if part == "score":
            return PartResult(part, "failed", reason="a | b")
        return card.measure_part(part, "cpu", TINY)

    card.report(launch, tmp_path / "card", 400, only, device="cpu")
    record = json.loads((tmp_path / "card.json").read_text())
    fates = {each["part"]: each["status"] for each in record["parts"]}
    packed = "measured" if "packing" in DEFAULTS else "skipped"
    assert fates == {
        "matmul": "measured",
        "tests": "skipped",
        "training-MiniLM-packed": packed,
        "read": "measured",
        "predict": "measured",
        "decomposition": "measured",
        "score": "failed",
    }
    assert record["check"]
    assert {figure["value"] for each in record["parts"] for figure in each["figures"]} == {None}
    assert {"device", "torch", "transformers"} <= record["machine"].keys()
    assert all(each["reason"] for each in record["parts"] if each["status"] != "measured")
    written = (tmp_path / "card.md").read_text()
    assert all(f"| {part} | {fate}" in written for part, fate in fates.items())
    assert "failed: a \\| b" in written
    assert "| decomposition-path, 12 tokens | ms |" in written
    assert "Nothing here is a figure of a card" in written


def test_a_part_that_takes_too_long_or_breaks_is_told_and_ends(tmp_path: Path) -> None:
    slow = launch_command(["sleep", "60"], "slow", 0.2, tmp_path / "none")
    assert (slow.status, slow.reason) == ("failed", "not done after 0 s, so it was ended")
    broken = launch_command(["sh", "-c", "echo ill; exit 3"], "broken", 10, tmp_path / "none")
    assert (broken.status, broken.reason) == ("failed", "ended with status 3: ill")


def test_no_part_gets_more_than_its_share_and_none_starts_too_late() -> None:
    shares: list[float] = []

    def launch(part: str, seconds: float) -> PartResult:
        shares.append(seconds)
        return PartResult(part, "measured")

    results = list(run_parts([("a", 3), ("b", 1), ("c", 1)], launch, seconds=100))
    assert shares == pytest.approx([60, 50, 100], abs=1)
    assert [each.status for each in run_parts([("a", 1)], launch, seconds=1)] == ["skipped"]
    assert [each.part for each in results] == ["a", "b", "c"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA card")
def test_without_a_card_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["card"])
    card.main()
    assert list(card.measure()) == []
    assert capsys.readouterr().out == 2 * f"{card.NO_CARD}\n"


def test_operations_are_three_times_those_of_a_forward_pass(checkpoint: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager"
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(input_ids=torch.ones(1, 24, dtype=torch.long))
    assert 3 * counter.get_total_flops() == pytest.approx(operations(model, [24]), rel=0.05)


@pytest.mark.parametrize(
    ("card_name", "tera"),
    [
        ("NVIDIA H200", 989.5),
        ("NVIDIA H100 PCIe", 756.5),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100 80GB PCIe", 312),
        ("NVIDIA L40S", 362.05),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA H200 NVL", None),
        ("NVIDIA A10G", None),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", None),
        ("Tesla T4", None),
    ],
)
def test_a_card_has_the_peak_of_its_data_sheet_or_none(card_name: str, tera: float | None) -> None:
    peak = peak_named(card_name)
    assert (peak and peak.tera) == tera
    assert peak_of(torch.device("cpu")) is None


@pytest.mark.cuda
@pytest.mark.parametrize("method", ["decomposition", "decomposition-path"])
def test_a_card_explains_as_the_cpu_does(checkpoint: Path, method: str) -> None:
    scores = []
    for device in DEVICES:
        classifier = Classifier.load(checkpoint, device=device)
        scores.append(attribute(classifier, classifier.read(TEXT), method).scores)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-3, atol=1e-4)


@pytest.mark.cuda
def test_a_card_reads_a_long_text_as_the_cpu_does(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 1000)
    readings = [Classifier.load(checkpoint, device=device).read(TEXT * 2) for device in DEVICES]
    logits = [each.prediction.logits for each in readings]
    np.testing.assert_allclose(logits[0], logits[1], rtol=1e-3, atol=1e-4)
    assert not any(isinstance(each.attention, Attention) for each in readings)


@pytest.mark.cuda
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_card_scores_an_order_as_the_cpu_does(checkpoint: Path, operator: Operator) -> None:
    aopc = []
    for device in DEVICES:
        classifier = Classifier.load(checkpoint, device=device)
        reading = classifier.read(TEXT)
        versions = Perturbation(classifier, reading.encoding)
        target = resolve_target(reading.prediction, None, "runner-up")
        scores = np.arange(versions.n_words, dtype=float)
        aopc.append(measure(versions, target, scores, operator)["aopc"])
    assert aopc[0] == pytest.approx(aopc[1], abs=1e-4)


@pytest.mark.cuda
def test_a_card_reads_in_bfloat16(checkpoint: Path) -> None:
    exact, rough = (
        Classifier.load(checkpoint, device="cuda", dtype=dtype).read(TEXT).prediction.logits
        for dtype in (torch.float32, torch.bfloat16)
    )
    np.testing.assert_allclose(rough, exact, rtol=0.05, atol=0.05)


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_resumed_on_a_card_ends_with_the_same_bits(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    data = write_csv(tmp_path / "news.csv", news(80))
    more: dict[str, Any] = {"epochs": 2, "save_minutes": 0, "baseline": False}
    more |= {"precision": precision, "deterministic": True}
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(tiny_run(data, checkpoint, whole, **more), say=silent)
    fail_snapshot(monkeypatch, step=9)
    with pytest.raises(FinetuneError):
        train(tiny_run(data, checkpoint, stopped, **more), say=silent)
    monkeypatch.undo()
    train(stopped_run(stopped), say=silent)
    ends = [(folder / "model.safetensors").read_bytes() for folder in (whole, stopped)]
    assert ends[0] == ends[1]
