"""The Train page, on files as a run leaves them."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from viz import runs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv(runs.PLACE, str(tmp_path))
    return tmp_path


def open_page() -> AppTest:
    """The Train page without an exception."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/pages/train.py").run()
    assert not app.exception
    return app


def leave(room: Path, name: str, events: list[dict[str, Any]]) -> None:
    """The files of a run that is over."""
    work = room / f".{name}.partial"
    work.mkdir()
    (work / "settings.json").write_text("{}")
    (work / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (room / "logs").mkdir()
    (room / "logs" / f"{name}.log").write_text("")
    (room / "logs" / f"{name}.json").write_text(json.dumps({"pid": 0, "data": "rows.csv"}))


def choose(room: Path, text: str, monkeypatch: pytest.MonkeyPatch, *, fatal: bool) -> AppTest:
    """The page with a file chosen, and the report that the check would give."""
    finding = {"severity": "stop", "kind": "k", "sentence": "One *class* only.", "count": 1}
    report = {"fatal": fatal, "rows": {"train": 1}, "classes": 1, "findings": [finding] * fatal}
    monkeypatch.setattr(runs, "check", lambda data, validation: report)
    file = runs.keep_upload("rows.csv", f"text,label\n{text},a\n".encode())
    app = open_page()
    app.selectbox(key="train-data").select(str(file)).run()
    assert not app.exception
    return app


def test_the_empty_page_says_what_it_is_for(room: Path) -> None:
    app = open_page()
    assert app.subheader[0].value == "Train a classifier"
    assert not app.button
    assert "opens on the Read page" in app.caption[0].value


def test_something_fatal_keeps_start_shut(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = choose(room, "one", monkeypatch, fatal=True)
    assert app.button[0].label == "Start"
    assert app.button[0].disabled
    assert r"\*class\*" in app.error[0].value


def test_start_hands_over_what_was_asked(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[runs.Plan] = []
    monkeypatch.setattr(runs, "start", asked.append)
    app = choose(room, "<b>two</b>", monkeypatch, fatal=False)
    assert app.dataframe[0].value["text"].tolist() == ["<b>two</b>"]
    app.number_input(key="train-epochs").set_value(2)
    app.button[0].click().run()
    assert not app.exception
    assert [(plan.name, plan.epochs, plan.validation) for plan in asked] == [("rows", 2, None)]


def test_a_failed_run_gives_its_sentence_and_resumes(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[str] = []
    monkeypatch.setattr(runs, "resume", resumed.append)
    leave(room, "mine", [{"kind": "failed", "sentence": "The disk is full."}])
    app = open_page()
    assert any("The disk is full." in said.value for said in app.markdown)
    assert app.dataframe[0].value["State"].tolist() == ["failed"]
    app.button(key="resume-mine").click().run()
    assert resumed == ["mine"]
