"""What a run gets right and wrong, drawn and listed on the Train page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from finetune.run.measurements import Metrics
from finetune.run.record import BaselineRecord, RunRecord, SplitRecord
from tests.viz.rooms import finish
from viz.model.classifier import default_checkpoint
from viz.runs import data_check, files

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(data_check, "prepare", lambda: None)
    return tmp_path


@pytest.fixture(scope="module")
def measured() -> Metrics:
    """What the shipped checkpoint gets right."""
    found = RunRecord.load(default_checkpoint()).validation
    assert isinstance(found, Metrics)
    return found


def page(room: Path, **changes: Any) -> AppTest:
    """The Train page with one finished run."""
    finish(room, "mine", **changes)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/app/pages/train.py").run()
    assert not app.exception
    return app


def tables(app: AppTest) -> list[dict[str, Any]]:
    """The tables behind the line to open, by column."""
    return [table.value.to_dict("list") for table in app.expander[0].dataframe]


def test_the_newest_run_shows_its_classes_and_what_stands_beside_it(
    room: Path, measured: Metrics
) -> None:
    weaker = replace(
        measured, accuracy=0.5, accuracy_interval=(0.4, 0.6), macro_f1=0.45, confusion=None
    )
    beside = BaselineRecord(
        name="naive Bayes", setting="words", validation=weaker, test=None, seconds=1.0
    )
    app = page(room, baselines=(beside,))
    assert app.expander[0].label == "What mine gets right and wrong"
    assert "On the 2,000 rows of validation." in app.expander[0].caption[0].value
    classes, others = tables(app)
    assert classes["Class"] == [one.label for one in measured.classes]
    assert classes["Rows"] == [500] * 4
    assert others["Method"] == ["this run", "naive Bayes"]
    assert others["Accuracy"] == [pytest.approx(93.35), 50]
    assert others["95% interval"][1] == "40.0% to 60.0%"
    assert len(app.expander[0].get("plotly_chart")) == 1


def test_more_classes_than_names_that_fit_are_listed_only(room: Path, measured: Metrics) -> None:
    labels = tuple(f"class {number}" for number in range(24))
    found = replace(
        measured,
        rows=24,
        accuracy=1.0,
        classes=tuple(replace(measured.classes[0], label=label, support=1) for label in labels),
        confusion=tuple(tuple(int(i == j) for j in range(24)) for i in range(24)),
    )
    counts = SplitRecord(
        rows=24, class_counts=dict.fromkeys(labels, 1), fingerprint="", truncated=0
    )
    app = page(room, labels=labels, splits={"validation": counts}, validation=found)
    assert len(tables(app)[0]["Class"]) == 24
    assert not app.expander[0].get("plotly_chart")


def test_a_run_without_a_classical_one_shows_no_empty_table(room: Path) -> None:
    assert len(tables(page(room))) == 1
