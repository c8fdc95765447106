"""A public app: one setting, by which it reads texts and does nothing else for strangers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from viz.app import checkpoints, keys
from viz.app.navigation import PAGES
from viz.errors import CheckpointError, RunError
from viz.runs import data_check, deletion, files, launch, public, uploads
from viz.runs.launch import Plan

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = "assets/ag-news-minilm"


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs, on a public machine."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(public.SETTING, "1")
    return tmp_path / "runs"


def opened(**link: str) -> AppTest:
    """The app, opened by a link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def pages(app: AppTest) -> list[str]:
    """The titles of the links to pages."""
    links: list[str] = [link.proto.label for link in app.get("page_link")]
    return [link for link in links if link in PAGES]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("yes", True), ("0", False), ("false", False), ("", False)],
)
def test_the_setting_is_on_unless_it_says_no(
    value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(public.SETTING, value)
    assert public.is_public() is expected
    monkeypatch.delenv(public.SETTING)
    assert not public.is_public()


@pytest.mark.parametrize(
    "action",
    [
        lambda: launch.start(Plan("mine", "rows.csv", SHIPPED)),
        lambda: launch.resume("mine"),
        lambda: launch.stop("mine"),
        lambda: uploads.keep_upload("rows.csv", b"text,label\n"),
        lambda: uploads.data_file(__file__),
        lambda: data_check.check(["--data=rows.csv"]),
        lambda: deletion.remove_run("mine"),
    ],
    ids=["start", "resume", "stop", "upload", "file", "check", "delete"],
)
def test_nothing_is_done_on_the_machine(action: Callable[[], object], room: Path) -> None:
    with pytest.raises(RunError, match="This app is public"):
        action()
    assert not room.exists()


def test_the_page_offers_no_training_and_takes_no_typed_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened(text="oil prices rise")
    assert pages(app) == ["Read", "Inside", "Compare", "Faithfulness"]
    assert not app.selectbox(key=keys.CHECKPOINT).proto.accept_new_options
    assert not app.error
    monkeypatch.delenv(public.SETTING)
    private = opened(text="oil prices rise")
    assert pages(private) == list(PAGES)
    assert private.selectbox(key=keys.CHECKPOINT).proto.accept_new_options


@pytest.mark.parametrize("page", ["data", "train"])
def test_a_page_that_reads_files_is_not_there(page: str) -> None:
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        opened().switch_page(f"viz/app/pages/{page}.py")


def test_a_link_to_a_folder_of_the_machine_leads_nowhere(checkpoint: Path) -> None:
    app = opened(text="oil prices rise", checkpoint=str(checkpoint))
    assert app.selectbox(key=keys.CHECKPOINT).value == SHIPPED
    assert "does not offer" in app.warning[0].value


def test_a_checkpoint_that_is_not_offered_is_refused_whoever_names_it(checkpoint: Path) -> None:
    for source in (str(checkpoint), "someone/some-model", "../" + SHIPPED):
        with pytest.raises(CheckpointError, match="This app is public"):
            checkpoints.identity(source)
    assert checkpoints.identity(SHIPPED)[0].endswith(SHIPPED)
