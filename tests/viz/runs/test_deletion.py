"""Runs deleted from the disk: all of them, nothing else, and none that is running."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.viz.rooms import START, epoch, finish, leave, running
from viz.app import keys
from viz.app.panels import results, source
from viz.errors import RunError
from viz.runs import checkpoint_folders, data_check, deletion, files, state

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs for each test, with one that nobody may touch."""
    place = tmp_path / "runs"
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(place))
    monkeypatch.setattr(data_check, "prepare", lambda: None)
    finish(place, "other")
    return place


def files_in(room: Path) -> set[Path]:
    """All that lies in the folder of runs."""
    return set(room.rglob("*"))


def test_a_finished_run_goes_with_its_log(room: Path) -> None:
    before = files_in(room)
    finish(room, "mine")
    deletion.remove_run("mine")
    assert files_in(room) == before
    assert [run.name for run in state.runs()] == ["other"]


def test_a_stopped_run_goes_with_what_it_kept(room: Path) -> None:
    before = files_in(room)
    leave(room, "mine", [START, epoch(1)], steps=[10, 20])
    deletion.remove_run("mine")
    assert files_in(room) == before


def test_a_run_that_goes_on_stays(room: Path) -> None:
    leave(room, "mine", [START, epoch(1)])
    before = files_in(room)
    with (
        running(room, "mine"),
        pytest.raises(RunError, match="'mine' is still running; stop it before"),
    ):
        deletion.remove_run("mine")
    assert files_in(room) == before


@pytest.mark.parametrize("name", ["nobody", "..", "", "logs", "data", "../other"])
def test_what_is_no_run_is_not_deleted(room: Path, name: str) -> None:
    before = files_in(room)
    with pytest.raises(RunError, match=r"^There is no run"):
        deletion.remove_run(name)
    assert files_in(room) == before


def test_of_a_link_the_link_alone_is_deleted(room: Path, tmp_path: Path) -> None:
    finish(room, "mine")
    (room / "mine").rename(tmp_path / "elsewhere")
    (room / "mine").symlink_to(tmp_path / "elsewhere")
    deletion.remove_run("mine")
    assert not (room / "mine").is_symlink()
    assert (tmp_path / "elsewhere" / "run.json").is_file()


def _everything(folder: Path) -> dict[Path, str]:
    """All that lies in a folder, and what the files hold."""
    return {path: path.read_text() if path.is_file() else "" for path in sorted(folder.rglob("*"))}


EVIL = [
    *("..", ".", "...", "....", " ", "-", "-rf", "~", "*", "a b", "a.b", "ü", "a\nb", "x" * 61),
    *("data", "logs", "Logs", "DATA", "a;b", "$HOME", "a\\b", "\udcff"),
]
"""Names that we don't give, and that a file may have all the same."""


def test_names_that_we_do_not_give_are_no_runs_and_delete_nothing(
    room: Path, tmp_path: Path
) -> None:
    (tmp_path / "beside").write_text("theirs")
    for name in EVIL:
        (room / f".{name}.partial").mkdir(exist_ok=True)
        (room / f".{name}.partial" / "settings.json").write_text("{}")
        (room / "logs" / f"{name}.json").write_text("{}")
        if name.strip(".") and name.lower() not in ("logs", "data"):
            (room / name).mkdir()
            (room / name / "run.json").write_text("{}")
    (room / ".partial").mkdir()
    before = _everything(tmp_path)
    assert files.run_names() == {"other"}
    assert [run.name for run in state.runs()] == ["other"]
    for name in (
        *EVIL,
        "",
        "../beside",
        "../runs",
        "/",
        str(tmp_path / "beside"),
        "other/..",
        "\0",
    ):
        with pytest.raises(RunError, match=r"^There is no run"):
            deletion.remove_run(name)
    assert _everything(tmp_path) == before


@pytest.mark.parametrize("link", ["logs", "mine", ".mine.partial", "logs/mine.log", "mine/inner"])
def test_nothing_outside_the_folder_of_runs_is_removed_by_any_link(
    room: Path, tmp_path: Path, link: str
) -> None:
    finish(room, "mine")
    leave(room, "half", [START])
    (room / ".half.partial").rename(room / ".mine.partial")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("mine.log", "mine.json", "keep"):
        (theirs / name).write_text("theirs")
    target = theirs / "keep" if link.endswith(".log") else theirs
    place = room / link
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(target)
    before = _everything(theirs)
    if link == "logs":
        with pytest.raises(RunError, match=r"isn't in the folder of runs; delete it by hand"):
            deletion.remove_run("mine")
    else:
        deletion.remove_run("mine")
        assert not place.is_symlink()
        assert "mine" not in files.run_names()
    assert _everything(theirs) == before
    assert (room / "other" / "run.json").is_file()


def test_a_folder_of_runs_that_is_a_link_itself_is_one(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(room, "mine")
    (tmp_path / "link").symlink_to(room)
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "link"))
    deletion.remove_run("mine")
    assert files.run_names() == {"other"}


def test_what_the_system_refuses_is_one_sentence_and_the_run_stays_listed(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(room, "mine")

    def refuse(place: Path) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(RunError, match=r"can't be deleted: Permission denied; delete it by hand"):
        deletion.remove_run("mine")
    assert {run.name for run in state.runs()} == {"mine", "other"}


@pytest.mark.parametrize("is_short", [True, False], ids=["offered name", "whole path"])
def test_the_page_deletes_what_is_ticked_and_reads_with_the_shipped_checkpoint(
    room: Path, monkeypatch: pytest.MonkeyPatch, *, is_short: bool
) -> None:
    finish(room, "mine")
    monkeypatch.setattr(checkpoint_folders, "ROOT", room.parent)
    chosen = "runs/mine" if is_short else str(room / "mine")
    monkeypatch.setattr(
        results, "_choose", lambda known: [run for run in known if run.name == "mine"]
    )
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/app/pages/train.py").run()
    app.session_state[keys.CHECKPOINT] = app.session_state[keys.OTHER_CHECKPOINT] = chosen
    app.session_state[source.CHOSEN] = {chosen}
    assert "mine: checkpoints, curves and logs" in "".join(text.value for text in app.markdown)
    app.button(key="delete-runs").click().run()
    assert not app.exception
    assert {run.name for run in state.runs()} == {"other"}
    assert keys.CHECKPOINT not in app.session_state
    assert keys.OTHER_CHECKPOINT not in app.session_state
    assert app.session_state[source.CHOSEN] == set()


def test_nothing_is_offered_for_deletion_before_a_run_is_ticked() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("viz/app/pages/train.py").run()
    assert "delete-runs" not in {button.key for button in app.button}
