"""The Data page: files and links, the parts of an audit, and the rows that they lead to."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from finetune.run.measurements import Metrics
from tests.audits import LABELS, full_audit, shift, unlabeled_audit
from tests.page_content import component_data, link_of, page_text
from tests.viz.app.conftest import GoBack
from viz import Classifier
from viz.app import audits, keys
from viz.app.panels.data import reasons, selection
from viz.app.panels.data.rows import _view
from viz.app.panels.data.selection import Cell, Group
from viz.data.audit.run import NOT_YET, Audit
from viz.data.missing import Missing
from viz.data.reasons.cell_reasons import CellReasons, ReasonWord, RowMean
from viz.errors import SelectionError
from viz.faithfulness.interval import Interval
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.model.text_files import Columns
from viz.runs import files, uploads

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = Columns("text", None, "label")
HOSTILE = ("World", "![x](http://evil.example/p.png)", "<script>alert(1)</script>", ":red[Sci]")


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    return tmp_path


@pytest.fixture
def made(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """A made-up audit of whatever file is chosen."""
    return give(full_audit(classifier=classifier), monkeypatch)


def give(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Let this be the audit of whatever file is chosen."""
    monkeypatch.setattr(audits, "audit", lambda request: audit)
    return audit


def opened(checkpoint: Path, **link: str) -> AppTest:
    """The page, opened by a link that names an uploaded file unless it says otherwise."""
    file = uploads.keep_upload("rows.csv", b"text,label\noil prices rise,World\n")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params[keys.CHECKPOINT] = str(checkpoint)
    app.run()
    app.switch_page("viz/app/pages/data.py")
    for name, value in ({keys.DATA: file.name} | link).items():
        app.query_params[name] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def wait_for(app: AppTest, condition: Callable[[], bool]) -> None:
    """Run the page until something is done in the background."""
    for _ in range(100):
        if condition():
            return
        run(app)
    raise AssertionError("it was never done")


def table(app: AppTest, column: str) -> Any:
    """The table that has a column."""
    return next(each.value for each in app.dataframe if column in each.value)


def said(app: AppTest) -> str:
    return page_text(app)


def test_the_empty_page_says_what_it_is_for(checkpoint: Path) -> None:
    app = opened(checkpoint, data="")
    assert app.subheader[0].value == "Audit a data set"
    assert "labels that are likely wrong" in said(app)
    assert not app.metric


def test_a_file_is_audited_and_its_measures_and_rows_are_shown(checkpoint: Path) -> None:
    rows = "text,label\noil prices rise,World\nthe team wins,Sports\n,Sports\nchip,Sci/Tech\n"
    file = uploads.keep_upload("four.csv", rows.encode())
    app = opened(checkpoint, data=file.name)
    request = audits.AuditRequest.of(str(checkpoint), file, COLUMNS, None)
    wait_for(app, lambda: audits.audit(request) is not None)
    run(app)
    audit = audits.audit(request)
    assert audit is not None
    assert isinstance(audit.record.measures, Metrics)
    metrics = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert metrics["Rows"] == ("4", "3 measured, 3 read")
    assert not [toggle for toggle in app.toggle if toggle.key == keys.LONG_ROWS]
    assert metrics["Accuracy"][0] == f"{audit.record.measures.accuracy:.1%}"
    assert component_data(app, "confusion")["labels"] == list(audit.record.labels)
    assert sum(map(sum, component_data(app, "confusion")["counts"])) == 3
    app.segmented_control(key=keys.ROWS).select("All rows")
    run(app)
    assert list(table(app, "Text")["Text"]) == ["oil prices rise", "the team wins", "chip"]
    folders = [each.name for each in (files.runs_folder() / files.AUDITS_FOLDER).iterdir()]
    assert len(folders) == 1
    assert not files.run_names()


def test_what_cannot_be_read_is_one_sentence(checkpoint: Path) -> None:
    file = uploads.keep_upload("bad.csv", b"text,label\noil,Weather\n")
    app = opened(checkpoint, data=file.name)
    wait_for(app, lambda: bool(app.error))
    assert "Weather" in app.error[0].value
    assert "--" not in app.error[0].value


@pytest.mark.usefixtures("made")
def test_the_cell_with_the_most_errors_comes_first_with_its_reasons(checkpoint: Path) -> None:
    app = opened(checkpoint)
    sent = component_data(app, "confusion")
    assert (sent["gold"], sent["predicted"]) == (1, 2)
    assert "**Why Sports is taken for Business**" in said(app)
    assert "words +0.50, special tokens +0.20, bias +0.30" in said(app)
    assert [row["name"] for row in component_data(app, "signed-bars")["rows"]] == ["game", "oil"]
    assert "Without L3 · H7, 50.0% of these rows are put into Sports." in said(app)
    assert table(app, "Loss")["Loss"].is_monotonic_decreasing
    assert keys.GOLD not in app.query_params


@pytest.mark.usefixtures("made")
def test_a_selected_cell_shows_its_rows_and_stands_in_the_link(checkpoint: Path) -> None:
    app = opened(checkpoint)
    app.session_state[selection.CELL] = Cell(3, 0)
    app.session_state[keys.ROWS] = None
    run(app)
    assert app.segmented_control(key=keys.ROWS).value == "Sci/Tech → World"
    rows = table(app, "Loss")
    assert set(rows["True"]) == {"Sci/Tech"}
    assert set(rows["Predicted"]) == {"World"}
    assert len(rows) == 4
    assert app.query_params[keys.GOLD] == "3"
    assert app.query_params[keys.PREDICTED] == "0"


@pytest.mark.usefixtures("made")
def test_a_link_restores_section_cell_and_row(checkpoint: Path) -> None:
    app = opened(checkpoint, section="Slices", gold="1", predicted="2", row="5")
    assert app.segmented_control(key=keys.SECTION).value == "Slices"
    assert "**Line 7**: true Sports, predicted Business" in said(app)
    words = component_data(app, "colored-text")
    assert words["parts"]
    assert "every word hidden" in str(words["caption"])
    assert app.segmented_control(key=keys.ROWS).value == "Sports → Business"
    app.segmented_control(key=keys.SECTION).select("Errors")
    run(app)
    sent = component_data(app, "confusion")
    assert (sent["gold"], sent["predicted"]) == (1, 2)
    assert app.query_params[keys.ROW] == "5"


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("number", ["4", "-1", "x", "9" * 30])
def test_a_link_to_what_is_not_there_selects_nothing(checkpoint: Path, number: str) -> None:
    app = opened(checkpoint, gold=number, predicted=number, row="48")
    assert component_data(app, "confusion")["gold"] == 1
    assert "**Line" not in said(app)


def test_a_path_in_a_link_is_read_only_when_the_reader_says_so(
    checkpoint: Path, room: Path, made: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = room / "elsewhere.csv"
    file.write_text("text,label\noil prices rise,World\n", "utf-8")
    opens: list[str] = []
    data_file = uploads.data_file

    def count(path: str) -> Path:
        opens.append(path)
        return data_file(path)

    monkeypatch.setattr(uploads, "data_file", count)
    app = opened(checkpoint, data=str(file))
    assert "elsewhere.csv" in app.warning[0].value
    assert (opens, len(app.metric)) == ([], 0)
    app.button(key=f"open-{keys.DATA}").click()
    run(app)
    assert opens == [str(file)]
    assert not app.warning
    assert app.metric
    assert app.query_params[keys.DATA] == str(file)


@pytest.mark.usefixtures("made")
def test_of_two_files_of_one_name_either_can_be_chosen(checkpoint: Path, room: Path) -> None:
    file = room / "rows.csv"
    file.write_text("text,label\noil prices rise,World\n", "utf-8")
    app = opened(checkpoint, data=str(file))
    app.button(key=f"open-{keys.DATA}").click()
    run(app)
    (uploaded,) = uploads.data_files()
    assert set(app.selectbox(key=keys.DATA).options) == {str(file), str(uploaded)}
    app.selectbox(key=keys.DATA).select(str(uploaded))
    assert run(app).selectbox(key=keys.DATA).value == str(uploaded)


@pytest.mark.usefixtures("made")
def test_a_file_to_compare_with_in_a_link_is_asked_for_too(checkpoint: Path) -> None:
    app = opened(checkpoint, reference="/etc/hostname")
    assert "/etc/hostname" in app.warning[0].value
    app.button(key=f"ignore-{keys.REFERENCE}").click()
    run(app)
    assert not app.warning
    assert keys.REFERENCE not in app.query_params


def test_names_that_came_with_the_data_are_text(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(full_audit(HOSTILE), monkeypatch)
    app = opened(checkpoint)
    assert component_data(app, "confusion")["labels"] == list(HOSTILE)
    for section in ("Slices", "Label errors", "Shortcuts", "Shift"):
        text = said(app)
        assert "![x](" not in text.replace(repr(list(HOSTILE)), "")
        assert "<script>" not in text
        assert ":red[" not in text
        app.segmented_control(key=keys.SECTION).select(section)
        run(app)


def test_a_file_without_labels_shows_what_is_predicted(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(unlabeled_audit(), monkeypatch)
    app = opened(checkpoint)
    assert "The file has no labels." in said(app)
    assert {metric.label for metric in app.metric} == {"Mean confidence", "Rows"}
    classes = table(app, "Share")
    assert sum(classes["Rows"]) == 48
    assert list(app.segmented_control(key=keys.ROWS).options) == ["All rows"]
    assert "True" not in table(app, "Text")


def test_a_link_selects_a_predicted_class_of_a_file_without_labels(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(unlabeled_audit(), monkeypatch)
    app = opened(checkpoint, predicted="2")
    assert app.segmented_control(key=keys.ROWS).options[0] == "predicted Business"
    assert app.query_params[keys.PREDICTED] == "2"


def test_slices_and_shortcuts_lead_to_their_rows(
    checkpoint: Path, made: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(checkpoint, section="Slices")
    assert list(table(app, "of all errors")["Value"]) == ["web", "game", "12 to 15"]
    app.session_state[selection.GROUP] = Group("column", "source", "web")
    app.session_state[keys.ROWS] = None
    # The table of slices unselects what it has not selected itself.
    app.segmented_control(key=keys.SECTION).select("Errors")
    run(app)
    assert app.segmented_control(key=keys.ROWS).value == "source: web"
    assert set(table(app, "Loss")["source"]) == {"web"}


@pytest.mark.usefixtures("made")
def test_label_errors_show_what_speaks_against_the_first(checkpoint: Path) -> None:
    app = opened(checkpoint, section="Label errors")
    ranking = table(app, "Suggested")
    assert list(ranking["Line"]) == [7, 13, 19]
    assert list(ranking["Likely"]) == [True, True, False]
    assert "**Business rather than Sports?**" in said(app)
    assert [row["name"] for row in component_data(app, "signed-bars")["rows"]] == ["game", "oil"]
    assert "adds to the logit of Business minus that of Sports" in said(app)
    assert "similarity 96.0%, line 4" in said(app)


def test_a_word_of_one_row_is_told_without_an_interval() -> None:
    word = ReasonWord(word="oil", n_rows=1, share=0.1, contribution=RowMean(0.29, None, None))
    assert reasons._word(word).title == "+0.29 in a row that has it"
    word = replace(word, n_rows=2, contribution=RowMean(0.29, 0.1, 0.4))
    assert reasons._word(word).title == "+0.29 in a row that has it (+0.10 to +0.40)"


@pytest.mark.usefixtures("made")
def test_shortcuts_and_shift_say_what_was_measured(checkpoint: Path) -> None:
    app = opened(checkpoint, section="Shortcuts")
    assert "1 of 31 words are flagged" in said(app)
    words = table(app, "Flagged")
    assert words["Probability lost when removed"][0] == "31.0% (20.0 to 42.0)"
    app.segmented_control(key=keys.SECTION).select("Shift")
    run(app)
    assert "Something shifted since" in app.warning[0].value
    assert "**topic**" in said(app)
    assert {"Accuracy, estimated", "Accuracy before"} <= {metric.label for metric in app.metric}
    assert list(table(app, "Kind")["Word"]) == ["chip", "game", "votes"]


def test_a_shift_of_scores_is_in_their_own_unit(
    checkpoint: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    fall = replace(shift(), confidence=Interval(-0.5, -0.7, -0.3), regression=True, classes=())
    give(full_audit(classifier=classifier, shift=fall), monkeypatch)
    app = opened(checkpoint, section="Shift")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Change of the mean score"] == "−0.5000"
    assert "points" not in said(app)
    assert "How often classes are predicted" not in said(app)


def test_without_a_second_file_shift_says_how_to_compare(
    checkpoint: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Missing(missing="No second file was given to compare with.")
    give(full_audit(classifier=classifier, shift=nothing), monkeypatch)
    app = opened(checkpoint, section="Shift")
    assert "Choose an earlier file under *Compare with*" in said(app)


def test_a_row_opens_on_the_read_page(checkpoint: Path, made: Audit) -> None:
    app = opened(checkpoint, section="Slices", row="5")
    app.button(key="data-read").click()
    run(app)
    assert app.session_state[keys.TEXT] == made.rows.texts[5]
    assert app.text_area(key=keys.TEXT).value == made.rows.texts[5]


@pytest.mark.usefixtures("made")
def test_counterfactuals_come_with_the_record_or_on_request(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(checkpoint, row="5")
    assert "Delete “game”: **Sports** (66.0%)" in said(app)
    assert "Replace “game” by “minister”" in said(app)

    def find(*arguments: Any, **options: Any) -> Missing:
        raise SelectionError(f"Row {arguments[3]} can't be edited; choose another one.")

    monkeypatch.setattr(audits, "find_counterfactuals", find)
    app.session_state[selection.ROW] = 6
    run(app)
    app.button(key="data-counterfactuals").click()
    run(app)
    wait_for(app, lambda: bool(app.error))
    assert app.error[0].value == "Row 6 can't be edited; choose another one."


def test_reasons_that_are_not_in_the_record_are_found_on_request(
    checkpoint: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = full_audit(classifier=classifier)
    known: Any = made.record.cells
    give(replace(made, record=replace(made.record, cells=known[1:])), monkeypatch)
    cells: list[tuple[int, int]] = []

    def explain(*arguments: Any) -> CellReasons:
        cells.append((arguments[3], arguments[4]))
        return known[0]  # type: ignore[no-any-return]

    monkeypatch.setattr(audits, "explain_cell", explain)
    app = opened(checkpoint)
    wait_for(app, lambda: "Mean difference of logits" in said(app))
    assert cells == [(1, 2)]
    assert "4 rows. Mean difference of logits" in said(app)


def test_parts_that_are_to_come_say_so(
    checkpoint: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("label_errors", "slices", "shortcuts", "cells", "counterfactuals", "shift")
    parts: dict[str, Any] = dict.fromkeys(names, NOT_YET)
    give(replace(full_audit(classifier=classifier, **parts), near_copies=None), monkeypatch)
    app = opened(checkpoint)
    assert audits.TO_COME.missing in said(app)
    for section in ("Slices", "Label errors", "Shortcuts", "Shift"):
        app.segmented_control(key=keys.SECTION).select(section)
        run(app)
        assert NOT_YET.missing in said(app)


def test_what_is_known_stands_there_while_the_audit_goes_on(
    checkpoint: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, end = full_audit(classifier=classifier), threading.Event()
    record = replace(whole.record, n_read=40, n_labeled=40, cells=NOT_YET)
    so_far = replace(whole, record=record, near_copies=None)

    def work(progress: ProgressCallback) -> Audit:
        while not end.wait(0.01):
            progress(0)
        return whole

    job = BackgroundJob(work, 1.0)
    monkeypatch.setattr(audits, "job", lambda request: job)
    monkeypatch.setattr(audits, "snapshot", lambda request: so_far)
    app = opened(checkpoint)
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("40 of 48 rows are read, in random order")
    assert {metric.label: metric.delta for metric in app.metric}["Rows"] == "40 measured, 40 read"
    assert audits.TO_COME.missing in said(app)
    app.button(key="audit-cancel").click()
    run(app)
    assert "The audit was canceled" in said(app)
    assert app.button(key="audit-again")
    assert component_data(app, "confusion")["labels"]
    end.set()


@pytest.mark.usefixtures("made")
def test_accuracy_as_heads_go_is_counted_on_request(checkpoint: Path) -> None:
    app = opened(checkpoint)
    (switch,) = [each for each in app.toggle if each.label == "Accuracy as heads go"]
    switch.set_value(True)
    run(app)
    assert "least important for 32 rows of this file first" in said(app)
    app.button(key="data-head-curve").click()
    run(app)
    wait_for(app, lambda: "With all" in said(app))
    (plot,) = app.get("plotly_chart")
    assert "least important first" in str(plot.proto)
    assert " 12 heads " in said(app) or "without the first" in said(app)


@pytest.mark.parametrize(
    ("column", "shown"), [("tokens", "tokens"), ("source", "source"), ("Text", "Text (file)")]
)
def test_rows_of_a_slice_show_the_column_of_the_file(column: str, shown: str) -> None:
    audit = full_audit()
    file = {**audit.rows.table, column: audit.rows.table["source"]}
    view = _view(replace(audit, rows=replace(audit.rows, table=file)), np.array([2, 1]), column)
    assert view[shown].to_pylist() == ["wire", "web"]
    assert view["Text"].to_pylist() == [audit.rows.texts[row] for row in (2, 1)]


def test_a_click_in_any_table_of_rows_opens_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    marked: dict[str, list[int]] = {}

    def dataframe(*arguments: Any, key: str, on_select: Any, **options: Any) -> Any:
        table = SimpleNamespace(selection=SimpleNamespace(rows=marked.get(key, [])))
        st.session_state[key] = table
        if key == st.session_state["clicked"] and callable(on_select):
            on_select()
        return table

    def page():  # type: ignore[no-untyped-def]
        import streamlit as st

        from viz.app.panels.data import comparison, label_errors, selection

        audit = st.session_state["audit"]
        comparison._show_rows("Mended", [0, 1, 2], audit.table)
        comparison._show_rows("Broken", [4, 5], audit.table)
        label_errors.show(audit.record.label_errors, audit.table, {})
        st.write(f"row {selection.row()}")

    monkeypatch.setattr(st, "dataframe", dataframe)
    app = AppTest.from_function(page)
    app.session_state["audit"] = full_audit()
    ranking = f"data-label-errors-3-{hash(())}"
    for table, line, row in ((ranking, 1, 11), ("data-broken-2", 0, 4), ("data-mended-3", 2, 2)):
        marked[table] = [line]
        app.session_state["clicked"] = table
        assert run(app).markdown[-1].value == f"row {row}"


def test_another_file_forgets_what_was_selected(checkpoint: Path, made: Audit) -> None:
    other = uploads.keep_upload("other.csv", b"text,label\nthe team wins,Sports\n")
    app = opened(checkpoint, gold="3", predicted="0", row="5")
    assert component_data(app, "confusion")["gold"] == 3
    app.selectbox(key=keys.DATA).select(str(other))
    run(app)
    assert component_data(app, "confusion")["gold"] == 1
    assert "**Line" not in said(app)


@pytest.mark.parametrize(
    ("link", "written_again"),
    [
        ({"row": "47"}, full_audit(n_rows=6, data_fingerprint="e" * 64)),
        ({"gold": "3", "predicted": "0"}, full_audit(LABELS[:2], fingerprint="e" * 64)),
    ],
    ids=["file", "checkpoint"],
)
def test_a_file_or_a_checkpoint_written_again_forgets_what_was_selected(
    checkpoint: Path,
    made: Audit,
    monkeypatch: pytest.MonkeyPatch,
    link: dict[str, str],
    written_again: Audit,
) -> None:
    app = opened(checkpoint, **link)
    give(replace(written_again, classifier=made.classifier), monkeypatch)
    run(app)
    assert not {keys.ROW, keys.GOLD} & app.query_params.keys()


@pytest.mark.usefixtures("made")
def test_back_opens_the_files_of_before(checkpoint: Path, room: Path, go_back: GoBack) -> None:
    typed = room / "typed.csv"
    typed.write_text("text,label\nthe team wins,Sports\n", "utf-8")
    app = opened(checkpoint, data=str(typed))
    app.button(key=f"open-{keys.DATA}").click()
    run(app)
    first = link_of(app)
    (uploaded,) = map(str, uploads.data_files())
    app.selectbox(key=keys.DATA).select(uploaded)
    app.selectbox(key=keys.REFERENCE).select(uploaded)
    run(app)
    second = link_of(app)
    # The reader has opened this path before, and needs not be asked again.
    go_back(app, first)
    assert app.selectbox(key=keys.DATA).value == str(typed)
    assert app.selectbox(key=keys.REFERENCE).value is None
    assert link_of(app) == first
    go_back(app, second)
    assert app.selectbox(key=keys.DATA).value == uploaded
    assert app.selectbox(key=keys.REFERENCE).value == uploaded
    go_back(app, second | {keys.DATA: str(room / "never-opened.csv")})
    assert app.selectbox(key=keys.DATA).value == uploaded


@pytest.mark.usefixtures("made")
def test_a_column_of_texts_is_asked_for_where_no_name_tells(checkpoint: Path) -> None:
    file = uploads.keep_upload("other.csv", "文本,标签\noil,World\n".encode())
    app = opened(checkpoint, data=file.name)
    assert "Which column has the texts?" in said(app)
    assert not app.metric
    app.selectbox(key=f"audit-text-{file}").select("文本")
    run(app)
    assert app.metric


def test_rows_that_are_too_long_are_read_in_windows_by_a_switch(checkpoint: Path) -> None:
    long = "oil prices rise as stocks fall . " * 14
    file = uploads.keep_upload("long.csv", f"text,label\n{long},World\nthe team,Sports\n".encode())

    def audited(windows: bool | None) -> Audit:
        request = audits.AuditRequest.of(str(checkpoint), file, COLUMNS, None, windows)
        wait_for(app, lambda: audits.audit(request) is not None)
        run(app)
        result = audits.audit(request)
        assert result is not None
        return result

    app = opened(checkpoint, data=file.name, row="0", **{keys.LONG_ROWS: "1"})
    audit = audited(True)
    assert list(audit.table["unseen_tokens"]) == [0, 0]
    assert list(audit.table["windows"] > 1) == [True, False]
    assert "are read in overlapping windows" in said(app)
    wait_for(app, lambda: "parts" in component_data(app, "colored-text"))
    (words,) = component_data(app, "colored-text")["parts"]
    assert str(words).count("stocks") == 14, "those of all windows"
    app.toggle(key=keys.LONG_ROWS).set_value(False)
    run(app)
    assert list(audited(None).table["unseen_tokens"] > 0) == [True, False]
    assert keys.LONG_ROWS not in app.query_params
