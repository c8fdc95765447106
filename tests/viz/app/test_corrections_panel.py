"""Label errors are decided about, saved as a new file and trained on; checkpoints are compared."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import page_text
from tests.tiny_models import LABELS, tiny_checkpoint
from tests.viz.rooms import finish
from viz.app import audits, background, keys
from viz.app.panels.data import comparison, corrections
from viz.app.panels.data.corrections import classes_in
from viz.data.audit.run import Audit, audit
from viz.data.labels.corrections import is_corrected_version
from viz.data.labels.label_errors import LabelError, LabelErrors
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import open_rows
from viz.model.classifier import Classifier
from viz.model.text_files import Columns
from viz.runs import checkpoint_folders, files, uploads

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = Columns("text", None, "label")
ROWS = (
    ("oil prices rise", "World"),
    ("the team wins", "Business"),
    ("stocks fall", "Sports"),
    ("the market was not good", "Sci/Tech"),
)
SUGGESTED = {1: "Sports", 2: "Business", 3: "World"}


@pytest.fixture
def app(
    checkpoint: Path, classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AppTest:
    """The page at the label errors of an uploaded file, three of which are suggested to change."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    background.results().clear()
    text = "".join(f"{text},{label}\n" for text, label in (("text", "label"), *ROWS))
    file = uploads.keep_upload("rows.csv", text.encode())
    known = made_audit(file, classifier)
    monkeypatch.setattr(audits, "audit", lambda request: known)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params[keys.CHECKPOINT] = str(checkpoint)
    app.run()
    app.switch_page("viz/app/pages/data.py")
    app.query_params[keys.DATA] = file.name
    app.query_params[keys.SECTION] = "Label errors"
    return run(app)


def made_audit(file: Path, classifier: Classifier, columns: Columns = COLUMNS) -> Audit:
    """A real audit of a file, but for label errors that are made up."""
    options = AuditOptions(n_cells=0, n_counterfactuals=0, max_explained=1)
    known = audit(classifier, open_rows(file, classifier, columns), options=options)
    items = tuple(
        LabelError(
            row=row,
            label=ROWS[row][1],
            suggested=suggested,
            score=1.0 - row / 10,
            likely=True,
            label_probability=0.1,
            suggested_probability=0.8,
            words=(),
            neighbors=(),
        )
        for row, suggested in SUGGESTED.items()
    )
    errors = LabelErrors(estimated_by="held-out", n_rows=4, n_likely=3, items=items)
    return replace(known, record=replace(known.record, label_errors=errors))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return run(app)


def ranking(app: AppTest) -> Any:
    return next(each.value for each in app.dataframe if "Suggested" in each.value)


def saved(name: str) -> list[list[str]]:
    with (files.runs_folder() / files.DATA_FOLDER / name).open(newline="") as file:
        return list(csv.reader(file))


def test_errors_are_decided_about_one_by_one_and_saved_beside_the_file(app: AppTest) -> None:
    assert "Decision" not in ranking(app)
    click(app, "Accept the suggestion")
    assert "**Business rather than Sports?**" in page_text(app)  # the next one
    app.selectbox(key="data-other-label").select("World")
    run(app)
    click(app, "Change")
    click(app, "Drop the row")
    assert list(ranking(app)["Decision"]) == ["→ Sports", "→ World", "dropped"]
    assert "2 labels changed, 1 row dropped" in page_text(app)
    before = saved("rows.csv")
    click(app, "Save as a new file")
    assert "Saved as rows-corrected.csv; rows.csv stays as it is." in page_text(app)
    assert saved("rows.csv") == before
    assert saved("rows-corrected.csv") == [
        ["text", "label"],
        ["oil prices rise", "World"],
        ["the team wins", "Sports"],
        ["stocks fall", "World"],
    ]
    record = files.runs_folder() / files.DATA_FOLDER / "rows-corrected.corrections.json"
    assert [change["row"] for change in json.loads(record.read_text())["changes"]] == [1, 2, 3]
    click(app, "Train on it")
    chosen = [each.value for each in app.selectbox if str(each.value).endswith("corrected.csv")]
    assert len(chosen) == 1


def test_a_label_that_is_kept_is_no_correction(app: AppTest) -> None:
    click(app, "Accept the suggestion")
    assert "1 label changed" in page_text(app)
    for _ in range(2):
        click(app, "Keep the label")
    assert list(ranking(app)["Decision"]) == ["→ Sports", "kept", "kept"]
    click(app, "Keep the label")  # of the first, since all are decided
    assert list(ranking(app)["Decision"]) == ["kept"] * 3
    assert not any(button.label == "Save as a new file" for button in app.button)


def test_decisions_stay_with_the_rows_and_the_column_that_they_are_about(
    app: AppTest, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        audits,
        "audit",
        lambda request: made_audit(request.data, classifier, request.columns),
    )
    file = files.runs_folder() / files.DATA_FOLDER / "rows.csv"
    content = "text,label,source\n" + "".join(f"{text},{label},World\n" for text, label in ROWS)
    file.write_text(content)
    run(app)
    click(app, "Accept the suggestion")
    click(app, "Save as a new file")

    def is_decided() -> bool:
        return "1 label changed" in page_text(app) and "Saved as" in page_text(app)

    assert is_decided()
    column = f"audit-label-{file}"
    for change in (
        lambda: file.write_text(content.replace("source\n", "source\nchip,Sci/Tech,World\n")),
        lambda: app.selectbox(key=column).select("source"),
    ):
        change()
        assert "changed" not in page_text(run(app))
        assert "Saved as" not in page_text(app)
        assert not any(button.label == "Save as a new file" for button in app.button)
        file.write_text(content)
        app.selectbox(key=column).select("label")
        run(app)
        assert is_decided()


def test_ticked_rows_are_decided_about_together(app: AppTest) -> None:
    request = audits.AuditRequest.of("x", Path("rows.csv"), Columns(), None)
    known: Any = audits.audit(request)
    items = known.record.label_errors.items

    def page(items, request, known):  # type: ignore[no-untyped-def]
        from viz.app.panels.data import corrections

        corrections.offer(request, known, items[:2])

    ticked = AppTest.from_function(page, args=(items, request, known))
    run(ticked)
    click(ticked, "Accept 2 rows")
    (decided,) = ticked.session_state[corrections.DECISIONS].values()
    assert decided.keys() == {1, 2}
    assert "2 labels changed" in page_text(ticked)


def test_another_checkpoint_is_compared_on_the_same_rows(
    app: AppTest, tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tiny_checkpoint(tmp_path / "other", seed=3)
    monkeypatch.setattr("viz.app.checkpoints.offered", lambda: [str(other)])
    click(app, "Accept the suggestion")
    app.segmented_control(key=keys.SECTION).select("Compare")
    run(app)
    assert "Nothing to compare with yet" in page_text(app)
    app.selectbox(key=comparison.CHOSEN).select(str(other))
    for _ in range(100):
        run(app)
        if any(metric.label == "Mended" for metric in app.metric):
            break
    gold = ["World", "Sports", "Sports", "Sci/Tech"]
    texts = [text for text, _ in ROWS]
    right = [
        [
            reader.read(text).prediction.label == label
            for text, label in zip(texts, gold, strict=True)
        ]
        for reader in (classifier, Classifier.load(other))
    ]
    mended = sum(after and not before for before, after in zip(*right, strict=True))
    broken = sum(before and not after for before, after in zip(*right, strict=True))
    shown = {metric.label: metric.value for metric in app.metric}
    assert (shown["Mended"], shown["Broken"]) == (str(mended), str(broken))
    assert "On 4 rows of rows.csv, with your corrections." in page_text(app)


def test_the_checkpoint_that_was_trained_on_the_corrected_file_is_compared_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setattr(checkpoint_folders, "ROOT", tmp_path)
    finish(tmp_path / "runs", "mended", data_name="rows-corrected.csv")
    offered = ["assets/ag-news-minilm", "runs/mended"]
    assert comparison._trained_on(Path("rows.csv"), offered) == "runs/mended"


@pytest.mark.parametrize(
    ("written", "labels", "expected"),
    [
        ("World", LABELS, ("World",)),
        ("World, Sports", LABELS, ("World", "Sports")),
        ("a, b, c", ("a, b", "c", "a"), ("a, b", "c")),
        ("a, d", ("a", "b"), None),
        ("", LABELS, ()),
    ],
)
def test_names_joined_by_commas_are_told_apart(
    written: str, labels: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    assert classes_in(written, labels) == expected


def test_a_corrected_version_is_known_by_its_name() -> None:
    assert is_corrected_version("a-corrected.csv", "a.csv")
    assert is_corrected_version("a-corrected-2.csv", "a-corrected.csv")
    assert not is_corrected_version("a.csv", "a.csv")
    assert not is_corrected_version("b-corrected.csv", "a.csv")
