"""What a run gets right and wrong, drawn and listed on the Train page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from finetune.record import BaselineRecord, Metrics, RunRecord
from tests.viz.rooms import START, epoch, leave
from viz import run_files
from viz.classifier import default_checkpoint
from viz.colors import PALETTES
from viz.confusion import confusion_map

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("one", "<b>two</b>", "three")
CONFUSION = ((8, 2, 0), (1, 0, 3), (0, 0, 0))


def test_a_cell_is_coloured_by_its_share_of_the_true_class() -> None:
    figure = confusion_map(CONFUSION, LABELS)
    (drawn,) = figure.data
    assert drawn.z.tolist() == [[0.8, 0.2, 0.0], [0.25, 0.0, 0.75], [0.0, 0.0, 0.0]]
    assert drawn.customdata.tolist() == [list(row) for row in CONFUSION]
    assert list(drawn.x) == list(drawn.y) == ["one", "&lt;b&gt;two&lt;/b&gt;", "three"]
    assert figure.layout.yaxis.autorange == "reversed"  # the first class is on top


def test_numbers_stand_in_the_cells_that_have_rows() -> None:
    written = {
        (note.y, note.x): note.text for note in confusion_map(CONFUSION, LABELS).layout.annotations
    }
    assert written == {(0, 0): "8", (0, 1): "2", (1, 0): "1", (1, 2): "3"}


def test_dark_has_colours_of_its_own() -> None:
    scales = [
        confusion_map(CONFUSION, LABELS, theme=theme).data[0].colorscale for theme in PALETTES
    ]
    assert scales[0] != scales[1]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """The record of the shipped checkpoint, with a classical classifier beside it."""
    monkeypatch.setenv(run_files.PLACE, str(tmp_path))
    shipped = RunRecord.load(default_checkpoint())
    assert isinstance(shipped.validation, Metrics)
    weaker = replace(shipped.validation, accuracy=0.5, accuracy_interval=(0.4, 0.6), macro_f1=0.45)
    beside = BaselineRecord(
        name="naive Bayes", setting="words", validation=weaker, test=None, seconds=1.0
    )
    return replace(shipped, baselines=(beside,))


def page(room: Path, record: RunRecord) -> AppTest:
    """The Train page with one finished run."""
    work = leave(room, "mine", [START, epoch(1)])
    record.save(work)
    work.rename(room / "mine")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/pages/train.py").run()
    assert not app.exception
    return app


def tables(app: AppTest) -> list[dict[str, Any]]:
    """The tables behind the line to open, by column."""
    return [table.value.to_dict("list") for table in app.expander[0].dataframe]


def test_the_newest_run_shows_its_classes_and_what_stands_beside_it(
    tmp_path: Path, record: RunRecord
) -> None:
    app = page(tmp_path, record)
    assert app.expander[0].label == "What mine gets right and wrong"
    assert "On the 2,000 rows of validation." in app.expander[0].caption[0].value
    classes, beside = tables(app)
    assert classes["Class"] == list(record.labels)
    assert classes["Rows"] == [500] * 4
    assert beside["Method"] == ["this run", "naive Bayes"]
    assert beside["Accuracy"] == [pytest.approx(0.9335), 0.5]
    assert beside["95 % interval"][1] == "40.0% to 60.0%"
    assert len(app.expander[0].get("plotly_chart")) == 1


def test_more_classes_than_names_that_fit_are_listed_only(
    tmp_path: Path, record: RunRecord
) -> None:
    assert isinstance(record.validation, Metrics)
    many = record.validation.classes * 6
    app = page(tmp_path, replace(record, validation=replace(record.validation, classes=many)))
    assert len(tables(app)[0]["Class"]) == 24
    assert not app.expander[0].get("plotly_chart")


def test_a_run_without_a_classical_one_shows_no_empty_table(
    tmp_path: Path, record: RunRecord
) -> None:
    assert len(tables(page(tmp_path, replace(record, baselines=())))) == 1
