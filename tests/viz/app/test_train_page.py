"""The Train page, on files as a run leaves them."""

import fcntl
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.run_files import NOT_RANKED, RANKING
from finetune.run.measurements import RegressionMetrics
from finetune.run.record import EpochMetrics, RunRecord
from tests.viz.rooms import START, Event, epoch, finish, leave, running, step
from viz.app import keys
from viz.app.markdown import plain
from viz.app.panels import columns, new_run
from viz.errors import RunError
from viz.model.classifier import default_checkpoint
from viz.model.text_files import Columns
from viz.runs import base_model, data_check, files, launch, uploads

ROOT = Path(__file__).resolve().parents[3]
PRETRAINING: Event = {
    "kind": "pretraining", "step": 1, "steps": 4, "texts_per_second": 40.0, "seconds_left": 9.0,
}  # fmt: skip
CLEAN = data_check.Report(
    fatal=False,
    rows={"train": 1},
    classes=1,
    findings=(),
    truncation_counted=True,
    reads=("Columns: text 'text', label 'label'.",),
)
"""The report of a check that finds nothing."""
STOPPED: Event = {"kind": "stopped", "sentence": "stopped on request"}


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(data_check, "prepare", lambda: None)
    return tmp_path


def open_page() -> AppTest:
    """The Train page without an exception."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/app/pages/train.py").run()
    assert not app.exception
    return app


def listen(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The options of every check that is made from now on."""
    heard: list[list[str]] = []

    def check(options: list[str]) -> data_check.Report:
        heard.append(options)
        return CLEAN

    monkeypatch.setattr(data_check, "check", check)
    return heard


def unknown_columns(content: str = "文本,标签,别的\n好,a,x\n") -> tuple[AppTest, Path]:
    """The page with a file chosen whose columns have other names than the usual ones."""
    file = uploads.keep_upload("rows.csv", content.encode())
    app = open_page()
    app.selectbox(key="train-data-0").select(str(file)).run()
    assert not app.exception
    return app, file


def choose(text: str, monkeypatch: pytest.MonkeyPatch, **report: Any) -> AppTest:
    """The page with a file of one text chosen, and the report that the check would give."""
    monkeypatch.setattr(data_check, "check", lambda options: replace(CLEAN, **report))
    file = uploads.keep_upload("rows.csv", f"text,label\n{text},a\n".encode())
    app = open_page()
    app.selectbox(key="train-data-0").select(str(file)).run()
    assert not app.exception
    return app


def charts(app: AppTest) -> list[dict[str, Any]]:
    """The specifications of the charts on the page."""
    return [json.loads(found.proto.spec) for found in app.get("vega_lite_chart")]


def said(app: AppTest) -> str:
    """All Markdown on the page."""
    return "\n".join(found.value for found in app.markdown)


def test_the_empty_page_says_what_it_is_for() -> None:
    app = open_page()
    assert app.subheader[0].value == "Train a classifier"
    assert not app.button
    assert "opens on the Read page" in app.caption[0].value


def test_something_fatal_keeps_start_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = data_check.Finding(severity="stop", kind="k", sentence="One *class* only.")
    app = choose("one", monkeypatch, fatal=True, findings=(finding,))
    assert app.button[0].label == "Start"
    assert app.button[0].disabled
    assert r"\*class\*" in app.error[0].value


def test_an_upload_is_compared_once_and_kept_again_where_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[str] = []
    keep = uploads.keep_upload

    def count(name: str, content: bytes) -> Path:
        kept.append(name)
        return keep(name, content)

    monkeypatch.setattr(data_check, "check", lambda options: CLEAN)
    monkeypatch.setattr(uploads, "keep_upload", count)
    app = open_page()
    app.file_uploader[0].upload("rows.csv", b"text,label\none,a\n", "text/csv").run()
    app.number_input(key="train-epochs").set_value(2).run()
    assert not app.exception
    assert kept == ["rows.csv"]
    (file,) = uploads.data_files()
    file.unlink()
    app.run()
    assert (kept, file.is_file()) == (["rows.csv"] * 2, True)


def test_a_validation_file_that_changes_is_checked_again(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = choose("one", monkeypatch)
    held_out = uploads.keep_upload("held.csv", b"text,label\ntwo,a\n")
    checked = listen(monkeypatch)
    app.run()
    app.selectbox(key="train-validation").select(str(held_out)).run()
    os.utime(held_out, (1, 1))
    app.run()
    app.run()
    assert [options[1:] for options in checked] == [[f"--validation={held_out}"]] * 2


def test_a_warning_is_told_and_start_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = data_check.Finding(severity="warning", kind="k", sentence="Few <b>rows</b>.")
    app = choose("one", monkeypatch, findings=(finding,), classes=0)
    told = [caption.value for caption in app.caption]
    assert "Rows: 1 train; scores." in told
    assert r"Columns\: text 'text', label 'label'." in told
    assert any(r"Few \<b\>rows" in sentence for sentence in told)
    assert not app.button[0].disabled


def test_start_hands_over_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[launch.Plan] = []
    monkeypatch.setattr(launch, "start", asked.append)
    app = choose("<b>two</b>", monkeypatch)
    assert app.dataframe[0].value["text"].tolist() == ["<b>two</b>"]
    assert app.text_input(key="train-base").value == base_model.DEFAULT_BASE
    app.number_input(key="train-epochs").set_value(2)
    app.checkbox(key="train-keep-epochs").check()
    app.checkbox(key="train-ranking").uncheck()
    app.button[0].click().run()
    assert not app.exception
    assert [(plan.name, plan.epochs, plan.validation) for plan in asked] == [("rows", 2, None)]
    assert (asked[0].keep_epochs, asked[0].ranking) == (True, False)
    assert asked[0].options()[-2:] == ["--keep-epochs", "--no-ranking"]


def test_columns_of_any_name_are_chosen_and_then_checked_and_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked, asked = listen(monkeypatch), list[launch.Plan]()
    monkeypatch.setattr(launch, "start", asked.append)
    app, file = unknown_columns()
    assert app.button[0].disabled
    assert "Which column has the texts" in " ".join(caption.value for caption in app.caption)
    assert not app.error
    assert not app.expander
    app.selectbox(key=f"train-text-{file}").select("文本").run()
    assert (app.button[0].disabled, checked) == (True, [])
    app.selectbox(key=f"train-label-{file}").select("标签").run()
    assert checked == [[f"--data={file}", "--text-column=文本", "--label-column=标签"]]
    app.button[0].click().run()
    assert not app.exception
    assert [plan.columns for plan in asked] == [Columns("文本", None, "标签")]


def test_one_column_chosen_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = listen(monkeypatch)
    app, file = unknown_columns()
    app.selectbox(key=f"train-text-{file}").select("文本")
    app.selectbox(key=f"train-label-{file}").select("文本").run()
    assert [error.value for error in app.error] == [
        "The same column is chosen twice; choose another one."
    ]
    assert app.button[0].disabled
    app.selectbox(key=f"train-label-{file}").select("标签")
    app.selectbox(key=f"train-pair-{file}").select("别的").run()
    assert not app.error
    assert "--pair-column=别的" in checked[0]


def test_columns_that_are_found_are_named_only_where_others_are_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = listen(monkeypatch)
    app, file = unknown_columns("premise,hypothesis,label,title\none,two,a,b\n")
    assert app.expander[0].label == "Columns"
    pair = app.selectbox(key=f"train-pair-{file}")
    assert (pair.value, checked) == ("hypothesis", [[f"--data={file}"]])
    assert pair.options[0] == columns.NO_PAIR
    pair.select_index(0).run()
    assert checked[1:] == [[f"--data={file}", "--text-column=premise", "--label-column=label"]]


def test_a_column_called_like_the_choice_of_none_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = listen(monkeypatch)
    app, file = unknown_columns(f"text,label,{columns.NO_PAIR}\none,a,b\n")
    pair = app.selectbox(key=f"train-pair-{file}")
    assert pair.options == [f"({columns.NO_PAIR})", "text", "label", columns.NO_PAIR]
    assert pair.value is None
    pair.select(columns.NO_PAIR).run()
    assert f"--pair-column={columns.NO_PAIR}" in checked[-1]
    app.selectbox(key=f"train-pair-{file}").select_index(0).run()


def test_a_file_of_one_column_says_what_it_lacks_without_options() -> None:
    app, _ = unknown_columns("文本\n好\n")
    (error,) = app.error
    assert "No text column among '文本'" in error.value
    assert "columns of the same names" in error.value
    assert "--" not in error.value


def test_data_are_checked_again_only_for_what_the_check_reads(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = listen(monkeypatch)
    app, file = unknown_columns("text,label\none,a\n")
    app.number_input(key="train-epochs").set_value(2).run()
    app.number_input(key="train-length").set_value(64).run()
    app.text_input(key="train-base").set_value("owner/other").run()
    assert checked == [[f"--data={file}"]]
    app.text_input(key="train-base").set_value(str(room)).run()
    app.number_input(key="train-length").set_value(32).run()
    counted = [f"--data={file}", f"--model={room}"]
    assert checked[1:] == [[*counted, "--max-length=64"], [*counted, "--max-length=32"]]


@pytest.mark.parametrize("counted", [True, False])
def test_the_page_says_where_long_texts_were_not_counted(
    counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = choose("one", monkeypatch, truncation_counted=counted)
    told = [caption.value for caption in app.caption if "too long" in caption.value]
    assert told == ([] if counted else [new_run.NOT_COUNTED])


def test_after_a_start_the_page_asks_for_data_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start", lambda plan: None)
    app = choose("two", monkeypatch)
    app.button[0].click().run()
    assert app.selectbox(key="train-data-1").value is None
    assert not app.button


def test_a_start_that_is_refused_says_why_and_leaves_the_page_as_it_is(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(plan: launch.Plan) -> None:
        raise RunError("no <b>base</b> here")

    monkeypatch.setattr(launch, "start", refuse)
    leave(room, "mine", [START, STOPPED])
    app = choose("two", monkeypatch)
    app.button[0].click().run()
    assert not app.exception
    assert r"no \<b\>base" in app.error[0].value
    assert app.button(key="resume-mine")


def test_a_path_without_a_file_hides_no_run(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(room, "mine", [START, STOPPED])
    app = choose("two", monkeypatch)
    (file,) = uploads.data_files()
    file.unlink()
    app.run()
    assert "no such file or directory" in app.error[0].value
    assert app.button(key="resume-mine")


def test_a_failed_run_gives_its_sentence_and_resumes(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[str] = []
    monkeypatch.setattr(launch, "resume", resumed.append)
    leave(room, "mine", [START, {"kind": "failed", "sentence": "The disk is full."}])
    app = open_page()
    assert "**mine** failed: The disk is full." in said(app)
    assert app.dataframe[0].value["State"].tolist() == ["failed"]
    app.button(key="resume-mine").click().run()
    assert resumed == ["mine"]


def test_a_run_that_cannot_be_resumed_says_why_and_all_stays_drawn(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise RunError(f"the run {name!r} is already running")

    monkeypatch.setattr(launch, "resume", refuse)
    leave(room, "mine", [START, step(5), epoch(1), STOPPED])
    app = open_page()
    app.button(key="resume-mine").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == ["the run 'mine' is already running"]
    assert app.button(key="resume-mine")
    assert app.dataframe[0].value["Run"].tolist() == ["mine"]
    assert len(charts(app)) == 2


def test_a_run_of_several_processes_gives_the_command_that_resumes_it(room: Path) -> None:
    work = leave(room, "mine", [START, step(5), STOPPED])
    (work / "settings.json").write_text('{"processes": 2}')
    app = open_page()
    assert not app.button
    assert app.code[0].value == f"torchrun --nproc-per-node 2 -m finetune resume {room / 'mine'}"


def test_a_whole_result_out_of_its_place_is_not_called_failed(room: Path) -> None:
    work = leave(room, "mine", [START, step(20), epoch(2), {"kind": "end"}])
    RunRecord.load(default_checkpoint()).save(work)
    app = open_page()
    told = (
        "**mine** is finished; only its folder still has to be moved into place, which Resume does."
    )
    assert app.markdown[-1].value == told
    assert app.button(key="resume-mine")
    facts = room / "logs" / "mine.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"last_event_time": "t3"}))
    (room / "logs" / "mine.log").write_text("'mine' can't be written (disk full)\n")
    app.run()
    assert app.markdown[-1].value == f"{told} The last attempt: 'mine' can't be written (disk full)"


def test_the_result_that_a_stopped_run_was_to_replace_opens_too(room: Path) -> None:
    finish(room, "mine")
    leave(room, "mine", [START, step(5), STOPPED], steps=(2, 5))
    app = open_page()
    assert "**mine** was stopped after 0.5 of 2 epochs." in said(app)
    labels = [button.label for button in app.button]
    assert labels == ["Resume", "Read with mine", "Read with mine at step 5"]


def test_a_result_with_a_damaged_record_opens(room: Path) -> None:
    finish(room, "mine")
    (room / "mine" / "settings.json").unlink()
    (room / "mine" / "run.json").write_text("{")
    app = open_page()
    assert "**mine** failed: 'run.json' in 'mine' is damaged" in said(app)
    assert [button.label for button in app.button] == ["Read with mine"]


def test_a_run_stopped_in_its_pre_training_goes_on(room: Path) -> None:
    leave(room, "mine", [{"kind": "saved", "step": 3}, STOPPED])
    app = open_page()
    assert "**mine** was stopped before its first epoch." in said(app)
    assert app.button(key="resume-mine")


def test_a_stopped_run_says_how_far_it_came_and_what_it_kept_opens(room: Path) -> None:
    work = leave(room, "mine", [START, step(5), epoch(1), step(15), STOPPED], steps=(10, 15))
    app = open_page()
    assert "**mine** was stopped after 1.5 of 2 epochs." in said(app)
    assert [chart.proto.alt for chart in app.get("vega_lite_chart")] == [
        "Loss of mine",
        "Accuracy · Macro F1 of mine",
    ]
    assert len(charts(app)) == 2
    (opens,) = [button for button in app.button if button.label.startswith("Read")]
    assert opens.label == "Read with mine at step 15"
    opens.click().run()
    assert app.session_state[keys.CHECKPOINT] == str(work / "checkpoints" / "checkpoint-15")


@pytest.mark.parametrize(("epoch", "told"), [(123.4, "123.4"), (120.0, "120")])
def test_many_epochs_are_told_in_plain_digits(room: Path, epoch: float, told: str) -> None:
    long: Event = START | {"epochs": 500}
    leave(room, "mine", [long, step(5) | {"epoch": epoch}, STOPPED])
    assert f"was stopped after {told} of 500 epochs." in said(open_page())


def test_a_stopped_run_of_several_seeds_says_which_it_was_at(room: Path) -> None:
    work = leave(room, "mine", [START, step(20), {"kind": "end"}, START, step(15), STOPPED])
    (work / "settings.json").write_text('{"settings": {"seeds": 4}}')
    assert "was stopped after 1.5 of 2 epochs with seed 2 of 4." in said(open_page())


def test_a_run_stopped_before_anything_was_kept_is_not_resumed(room: Path) -> None:
    work = leave(room, "mine", [START, STOPPED])
    (work / "settings.json").unlink()
    app = open_page()
    assert "**mine** was stopped before anything was saved" in said(app)
    assert not [button for button in app.button if button.label == "Resume"]


@pytest.mark.parametrize(
    ("events", "asked", "stage"),
    [
        ([], False, "is starting"),
        ([PRETRAINING], False, "is being pre-trained, about 9 s left, 40 texts per second"),
        ([PRETRAINING, {"kind": "saved", "step": 3}], False, "is being pre-trained, about 9 s"),
        ([PRETRAINING, START], False, "is taking its first steps"),
        ([START], False, "is taking its first steps"),
        ([START, step(11)], False, "is in epoch 2 of 2, about 6 s left, 40 texts per second"),
        ([START, step(20), epoch(2)], False, "is in epoch 2 of 2"),
        ([START, step(20), {"kind": "end"}], False, "is being evaluated"),
        ([START, step(11)], True, "is stopping"),
    ],
)
def test_a_running_run_says_what_it_is_at(
    room: Path, events: list[Event], asked: bool, stage: str
) -> None:
    leave(room, "mine", events)
    with running(room, "mine", asked=asked):
        app = open_page()
    (progress,) = app.get("progress")
    assert stage in progress.proto.text
    assert app.button(key="stop-mine").disabled == asked
    assert len(charts(app)) == 2


def test_a_run_of_several_seeds_says_which_and_how_long_all_take(room: Path) -> None:
    work = leave(room, "mine", [START, step(20), {"kind": "end"}, START, step(10)])
    (work / "settings.json").write_text('{"settings": {"seeds": 4}}')
    with running(room, "mine"):
        (progress,) = open_page().get("progress")
    # 6 s for the other half of this seed, and twice 12 s for the two after it.
    assert "is in epoch 2 of 2 with seed 2 of 4, about 30 s left" in progress.proto.text
    assert progress.proto.value == 37  # percent, cut off


def test_a_run_of_a_terminal_shows_its_curves_and_no_stop(room: Path) -> None:
    norms = {"gradient_norms": {"layer 0": 0.5, "head": 2.0}}
    work = leave(room, "theirs", [START, step(5) | norms])
    (room / "logs" / "theirs.json").unlink()
    with (work / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = open_page()
    assert len(app.get("progress")) == 1
    assert not app.button
    assert [each.label for each in app.expander] == ["Gradient of each layer"]
    assert not app.expander[0].proto.expanded
    assert charts(app)[2]["encoding"]["y"]["scale"]["type"] == "log"


def test_runs_are_listed_opened_and_compared(room: Path) -> None:
    finish(room, "first")
    finish(room, "second")
    app = open_page()
    table = app.dataframe[0].value
    assert table["State"].tolist() == ["finished", "finished"]
    assert 1 < table["Accuracy"][0] < 100
    labels = [button.label for button in app.button]
    assert labels == ["Read with first", "Read with second"]
    (chart,) = charts(app)
    assert chart["encoding"]["y"]["title"] == "Macro F1"
    app.segmented_control[0].set_value("train_loss").run()
    (chart,) = charts(app)
    assert chart["encoding"]["y"]["title"] == "Training loss"


def test_the_page_says_why_methods_were_not_ranked_until_they_are(room: Path) -> None:
    finish(room, "mine")
    refusal = f"{NOT_RANKED}Of 6 texts no method can be called the best."
    (room / "logs" / "mine.log").write_text(f"Best epoch 2\n{refusal}\n")
    written = f":material/info: {plain(f'mine: {refusal}')}"
    assert written in [caption.value for caption in open_page().caption]
    (room / "mine" / "faithfulness.json").write_text("{}")
    assert written not in [caption.value for caption in open_page().caption]


def test_the_page_says_that_methods_are_being_ranked_as_long_as_they_are(room: Path) -> None:
    finish(room, "mine")
    (room / "logs" / "mine.log").write_text(f"Best epoch 2\n{RANKING}on up to 100 rows.\n")

    def said_of_ranking(app: AppTest) -> list[str]:
        return [each.value for each in app.caption if "are being ranked" in each.value]

    with running(room, "mine"):
        app = open_page()
        (sentence,) = said_of_ranking(app)
        assert "at most 2 minutes" in sentence
        assert app.dataframe[0].value["State"].tolist() == ["finished"]
        assert [button.label for button in app.button] == ["Read with mine"]
    assert not said_of_ranking(app.run())


def test_a_run_on_scores_is_listed_with_its_own_measures(room: Path) -> None:
    found = RegressionMetrics(
        rows=4,
        r2=0.5,
        rmse=2.0,
        mae=1.0,
        pearson=0.8,
        pearson_interval=None,
        spearman=None,
        points=(),
    )
    point = EpochMetrics(
        epoch=1, train_loss=0.5, validation_loss=0.5, measured={"r2": 0.5, "rmse": 2.0}
    )
    finish(
        room,
        "stars",
        labels=("stars",),
        problem_type="regression",
        splits={},
        epochs=(point,),
        best_epoch=1,
        validation=found,
    )
    table = open_page().dataframe[0].value
    assert (table["R²"][0], table["RMSE"][0], table["Measured on"][0]) == (0.5, 2.0, "validation")
    assert "Accuracy" not in table


def test_a_run_that_goes_on_is_compared_live(room: Path) -> None:
    finish(room, "first")
    leave(room, "second", [START, step(10), epoch(1)])
    with running(room, "second"):
        app = open_page()
    assert len(charts(app)) == 3


def test_a_damaged_file_of_one_run_is_said_and_all_others_are_shown(room: Path) -> None:
    for name in ("first", "second", "third"):
        finish(room, name)
    (room / "first" / "run.json").write_text("[" * 100_000)
    (room / "logs" / "second.json").write_text('{"started_at": 1e999}')
    with (room / "third" / "events.jsonl").open("ab") as events:
        events.write(b"\xff\n")
    app = open_page()
    assert not app.error
    table = app.dataframe[0].value
    states = dict(zip(table["Run"], table["State"], strict=True))
    assert states == {"first": "failed", "second": "finished", "third": "finished"}
    assert "**first** failed: 'run.json' in 'first' is damaged" in said(app)
    told = "\n".join(caption.value for caption in app.caption)
    assert "second\\: 'second.json' is damaged\\: in 'started\\_at', input should be" in told
    assert "third\\: 1 line of events.jsonl can't be read" in told
    labels = {button.label for button in app.button}
    assert labels >= {"Read with first", "Read with second", "Read with third"}
