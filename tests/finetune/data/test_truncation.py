"""What is kept of a long text, against what the tokenizers themselves cut."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.checkpoint.models import Checkpoint, load_checkpoint
from finetune.checkpoint.truncation import kept_positions
from finetune.errors import ConfigError, ModelError
from finetune.evaluation.evaluate import encode, evaluate, predict_logits
from finetune.run.config import TrainConfig
from finetune.training.train import train
from tests.finetune.news import LABELS, WORDS, of_classes, write_csv
from tests.tiny_models import Family, edit_config, tiny_checkpoint

LONG = " ".join(word for words in WORDS.values() for word in words)
SHORT = "oil prices rise"
PAIRS = [(LONG, SHORT), (SHORT, LONG), (LONG, LONG), (SHORT, SHORT), (LONG + " oil", LONG)]


def single(size: int) -> list[int | None]:
    return [None, *[0] * size, None]


def opened(folder: Path, family: Family = "bert", **choices: Any) -> Checkpoint:
    checkpoint = tiny_checkpoint(folder / family, family, labels=LABELS)
    edit_config(checkpoint, **choices)
    return load_checkpoint(str(checkpoint))


def test_head_and_tail_are_those_of_sun_et_al_at_512() -> None:
    kept = kept_positions(single(1_000), max_length=512, mode="head+tail")
    assert kept == [*range(129), *range(1_001 - 382, 1_002)]


@pytest.mark.parametrize("mode", ["head", "tail", "head+tail"])
def test_a_text_that_fits_stays_whole(mode: Any) -> None:
    assert kept_positions(single(6), max_length=8, mode=mode) == list(range(8))


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("max_length", [8, 9, 16, 64])
def test_pairs_are_cut_as_the_tokenizer_cuts_them(
    family: Family, max_length: int, tmp_path: Path
) -> None:
    tokenizer = opened(tmp_path, family).tokenizer
    for first, second in PAIRS:
        whole = tokenizer(first, second)
        kept = kept_positions(whole.sequence_ids(0), max_length=max_length, mode="head")
        oracle = tokenizer(first, second, truncation=True, max_length=max_length)["input_ids"]
        assert [whole["input_ids"][i] for i in kept] == oracle


def test_the_tail_is_what_a_tokenizer_keeps_that_cuts_on_the_left(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, text_truncation="tail")
    found = encode(checkpoint, [(LONG, None), (SHORT, None)], max_length=10)
    checkpoint.tokenizer.truncation_side = "left"
    oracle = checkpoint.tokenizer([LONG, SHORT], truncation=True, max_length=10)
    assert found == dict(oracle)


def test_a_long_text_gets_the_mean_of_its_windows_and_a_short_one_its_own(tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, text_window_stride=4)
    found = predict_logits(checkpoint, [(SHORT, None), (LONG, None)], batch_size=2, max_length=10)
    words = LONG.split()
    parts = [(" ".join(words[s : s + 8]), None) for s in (0, 4, 8, 10)]
    assert len(checkpoint.tokenizer(LONG)["input_ids"]) == len(words) + 2
    plain = opened(tmp_path / "plain")
    oracle = predict_logits(plain, [(SHORT, None), *parts], batch_size=8, max_length=10)
    assert np.abs(found - [oracle[0], oracle[1:].mean(0)]).max() < 1e-5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("text_truncation", "middle"),
        ("text_window_stride", -1),
        ("text_window_pooling", "median"),
        ("text_window_cut", "words"),
        ("text_window_size", 8.5),
    ],
)
def test_an_unknown_choice_in_a_checkpoint_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    checkpoint = opened(tmp_path, **{key: value})
    with pytest.raises(ModelError, match=f"{key} in config.json is {value!r}"):
        predict_logits(checkpoint, [(SHORT, None)], batch_size=1, max_length=10)


def test_a_run_learns_from_the_end_of_texts_and_says_so(base: Path, tmp_path: Path) -> None:
    rows = [
        {
            "text": f"{'very ' * 20}{i % 7} {' '.join(WORDS[LABELS[i % 3]][:4])}",
            "label": LABELS[i % 3],
        }
        for i in range(60)
    ]
    for i, row in enumerate(rows):
        row["text"] = f"{'good ' * (i + 20)}{row['text']}"
    settings: dict[str, Any] = {
        "data": (str(write_csv(tmp_path / "long.csv", rows)),), "model": str(base), "epochs": 4,
        "batch_size": 8, "learning_rate": 5e-3, "max_length": 8, "baseline": False,
        "ignore_check": True,
    }  # fmt: skip
    made = train(
        TrainConfig(output=tmp_path / "tail", truncation="tail", **settings), say=lambda _: None
    )
    assert of_classes(made.validation).accuracy >= 0.8  # the beginnings are all alike
    assert made.settings["truncation"] == "tail"
    config = json.loads((tmp_path / "tail/config.json").read_text("utf-8"))
    assert config["text_truncation"] == "tail"
    assert "text_window_stride" not in config
    (tmp_path / "tail/run.json").unlink()  # as of a checkpoint on the Hub
    assert evaluate(str(tmp_path / "tail"), settings["data"][0]).max_length == 8


def test_windows_over_pairs_are_refused(base: Path, tmp_path: Path) -> None:
    rows = [
        {"text": f"{word} {i}", "text2": "oil", "label": label}
        for label, words in WORDS.items()
        for i, word in enumerate(words)
    ]
    config = TrainConfig(
        data=(str(write_csv(tmp_path / "pairs.csv", rows)),),
        model=str(base),
        output=tmp_path / "out",
        pair_column="text2",
        window_stride=4,
    )
    with pytest.raises(ConfigError, match="--window-stride is for single texts"):
        train(config, say=lambda _: None)
