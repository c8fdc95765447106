"""What is measured once a run is over: of the saved files, and told everywhere alike."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import load_checkpoint
from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.data.splits import load_splits
from finetune.evaluation.calibration import TEMPERATURE_RANGE
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.quality import Quality, assess, draw_plots
from finetune.evaluation.report.terminal import describe_run
from finetune.run.config import TrainConfig
from finetune.run.record import CalibrationRecord, RunRecord
from tests.finetune.news import LABELS, news, write_csv
from tests.finetune.runs import check_close, silent
from tests.tiny_models import tiny_checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint that knows nothing and is very sure of it, so that a temperature helps."""
    folder = tiny_checkpoint(tmp_path / "saved", labels=LABELS)
    weights = load_file(folder / "model.safetensors")
    head = {name: 8 * value for name, value in weights.items() if name.startswith("classifier")}
    save_file(weights | head, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    rows = news(120)
    parts = {"train": rows[:60], "validation": rows[60:90], "test": rows[90:]}
    return {name: str(write_csv(tmp_path / f"{name}.csv", part)) for name, part in parts.items()}


def assessed(saved: Path, data: dict[str, str], *, test: bool, baseline: bool = False) -> Quality:
    config = TrainConfig(
        data=(data["train"],),
        model="none",
        output=Path("none"),
        validation=data["validation"],
        test=data["test"] if test else None,
    )
    return assess(
        load_checkpoint(str(saved)),
        load_splits(config),
        saved,
        batch_size=16,
        max_length=64,
        baseline=baseline,
        say=silent,
    )


def calibrated(quality: Quality) -> CalibrationRecord:
    assert quality.calibration is not None
    return quality.calibration


def test_the_checkpoint_gets_its_temperature_and_evaluate_uses_it(
    saved: Path, data: dict[str, str]
) -> None:
    quality = assessed(saved, data, test=True)
    stored = json.loads((saved / "config.json").read_text("utf-8"))[TEMPERATURE_KEY]
    assert stored == calibrated(quality).temperature != 1
    assert TEMPERATURE_RANGE[0] <= stored <= TEMPERATURE_RANGE[1]
    report = evaluate(str(saved), data["test"])
    assert report.temperature == stored
    assert report.calibration is not None
    assert report.calibration.ece == pytest.approx(calibrated(quality).after.ece, abs=1e-6)
    check_close(report.metrics, quality.test)
    assert calibrated(quality).measured_on == "test"


def test_test_rows_choose_neither_temperature_nor_baseline(
    saved: Path, data: dict[str, str]
) -> None:
    with_test = assessed(saved, data, test=True, baseline=True)
    alone = assessed(saved, data, test=False, baseline=True)
    assert calibrated(with_test).temperature == calibrated(alone).temperature
    assert [made.setting for made in with_test.baselines] == [
        made.setting for made in alone.baselines
    ]
    assert calibrated(alone).measured_on == "validation"
    assert alone.test is None


def test_a_run_is_told_beside_its_baselines(
    saved: Path, data: dict[str, str], record: RunRecord, tmp_path: Path
) -> None:
    quality = assessed(saved, data, test=True, baseline=True)
    known = replace(
        record,
        labels=LABELS,
        splits={
            name: replace(split, class_counts=dict.fromkeys(LABELS, 2))
            for name, split in record.splits.items()
        },
        validation=quality.validation,
        test=quality.test,
        calibration=quality.calibration,
        baselines=quality.baselines,
    )
    known.save(tmp_path)
    assert RunRecord.load(tmp_path) == known
    text = describe_run(known)
    assert "validation: 30 rows, accuracy (95% interval)" in text
    assert "test: 30 rows, accuracy (95% interval)" in text
    assert text.count("TF-IDF + linear SVM   100.00%  (88.65% to 100.00%)") == 2
    assert f"temperature {calibrated(quality).temperature:.3f}; on test, ECE" in text
    draw_plots(known, tmp_path, silent)
    assert {file.name for file in tmp_path.glob("*.png")} == {"confusion.png", "reliability.png"}


def test_an_older_record_has_neither_calibration_nor_baselines(
    record: RunRecord, tmp_path: Path
) -> None:
    record.save(tmp_path)
    path = tmp_path / "run.json"
    values = json.loads(path.read_text("utf-8"))
    del values["calibration"], values["baselines"]
    path.write_text(json.dumps(values), "utf-8")
    assert RunRecord.load(tmp_path) == record
    assert "Calibration" not in describe_run(record)


def test_evaluate_prints_calibration_and_draws(
    saved: Path, data: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "pictures"
    words = ["evaluate", "--checkpoint", str(saved), "--data", data["test"]]
    result = CliRunner().invoke(app, [*words, "--plots", str(folder)])
    assert result.exit_code == 0, result.output
    assert "At temperature 1.000: ECE " in result.output
    assert {file.name for file in folder.iterdir()} == {"confusion.png", "reliability.png"}
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, [*words, "--plots", str(tmp_path / "file")])
    assert result.exit_code == 1
    assert "no picture can be written into 'file'" in result.output


def test_the_baseline_can_be_left_out_and_the_command_says_so() -> None:
    config = TrainConfig(data=("a.csv",), model="m", output=Path("o"), baseline=False)
    assert config.command().endswith("--no-baseline")
    assert "baseline" not in replace(config, baseline=True).command()
    help_text = CliRunner().invoke(app, ["train", "--help-all"], env={"COLUMNS": "200"}).output
    assert "--no-baseline" in help_text
