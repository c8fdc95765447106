"""The film of fine-tuning on the Compare page, without a browser."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.histories import damage_frame, tiny_history
from tests.page_content import component_data, link_of
from tests.viz.app.conftest import GoBack
from viz.app import films, keys
from viz.app.cache import LRUCache
from viz.app.films import FilmRequest
from viz.app.panels.comparison import film as panel
from viz.attribution.method import no_progress
from viz.comparison.film.film import FilmFrame, RefusedFrame
from viz.comparison.film.reader import FilmReader
from viz.figures.spec import FigureSpec
from viz.jobs.cancellation import check_cancelled

ROOT = Path(__file__).resolve().parents[3]
TEXT = "oil prices rise"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, in which one kept its steps."""
    monkeypatch.setenv("CLSIGHT_RUNS", str(tmp_path))
    return tmp_path


def opened(checkpoint: Path | str, **link: str) -> AppTest:
    """The film of a text, opened by a link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"checkpoint": str(checkpoint), "mode": "fine-tuning", **link}.items():
        app.query_params[name] = value
    return app.switch_page("viz/app/pages/compare.py").run()


def whole(app: AppTest) -> dict[str, Any]:
    """The film once all of its frames were read."""
    for _ in range(100):
        data = component_data(app, "film")
        assert not app.exception
        if data["complete"]:
            return data
        time.sleep(0.05)
        app.run()
    raise AssertionError("the film was not read to its end")


def test_frames_come_one_by_one_and_stay(runs: Path) -> None:
    folder = tiny_history(runs, 3)
    app = opened(folder, text=TEXT, frame="1")
    data = whole(app)
    assert data["first"] == 1
    assert len(data["frames"]) == 3
    assert app.query_params["checkpoint"] == str(folder)
    # Another reader of the same text waits for nothing.
    assert component_data(opened(folder, text=TEXT), "film")["complete"]
    assert len(app.get("download_button")) == 1


def test_a_broken_frame_says_why_and_the_others_are_shown(runs: Path) -> None:
    folder = tiny_history(runs, 3)
    damage_frame(folder, 1)
    frames = whole(opened(folder, text=TEXT))["frames"]
    assert "is not what was written" in frames[1]["refused"]
    assert frames[0]["bars"]
    assert frames[2]["bars"]


def test_a_film_is_canceled_and_read_on(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job waits at the second frame until it is canceled; then nothing holds it any more."""
    held, read = threading.Event(), FilmReader.read

    def read_slowly(reader: FilmReader, index: int) -> FilmFrame | RefusedFrame:
        while index == 1 and not held.is_set():
            check_cancelled()
            time.sleep(0.01)
        return read(reader, index)

    monkeypatch.setattr(FilmReader, "read", read_slowly)
    app = opened(tiny_history(runs, 3), text=TEXT)
    app.button(key="film-cancel").click().run()
    assert "were not read" in app.caption[-1].value
    held.set()
    kept = [not frame.get("pending") for frame in component_data(app, "film")["frames"]]
    assert not kept[1]
    next(button for button in app.button if button.label == "Read them").click().run()
    assert all(frame["bars"] for frame in whole(app)["frames"])


def test_a_training_is_picked_where_the_checkpoint_has_kept_none(
    runs: Path, checkpoint: Path
) -> None:
    folder = tiny_history(runs, 2)
    app = opened(checkpoint, text=TEXT)
    assert "has kept no steps" in app.caption[-1].value
    app.selectbox(key=keys.TRAINING).select(str(folder)).run()
    assert len(whole(app)["frames"]) == 2
    assert app.session_state[keys.CHECKPOINT] == str(folder)


def test_where_no_training_kept_its_steps_it_is_said_how(runs: Path, checkpoint: Path) -> None:
    app = opened(checkpoint, text=TEXT)
    assert "--keep-epochs" in app.info[0].value
    assert component_data(app, "film") == {}


def test_back_begins_the_film_at_the_frame_of_the_link(
    runs: Path, monkeypatch: pytest.MonkeyPatch, go_back: GoBack
) -> None:
    app = opened(tiny_history(runs, 3), text=TEXT, frame="1")
    whole(app)
    before = link_of(app)
    rests = {keys.FILM: 2}
    monkeypatch.setattr(panel, "resting_frame", rests.get)
    app.run()
    assert link_of(app)["frame"] == "2"
    assert component_data(go_back(app, before), "film")["first"] == 1
    assert link_of(app)["frame"] == "1"


@pytest.mark.parametrize("frame", ["99", "9" * 5000])
def test_a_frame_that_is_none_is_not_looked_for(runs: Path, frame: str) -> None:
    app = opened(tiny_history(runs, 2), text=TEXT, frame=frame)
    assert not app.exception
    assert component_data(app, "film")["first"] in (0, 1)


def test_a_text_of_nothing_is_refused_in_a_sentence(runs: Path) -> None:
    app = opened(tiny_history(runs, 2), text=" ")
    assert not app.exception
    assert app.error


@pytest.fixture
def request_(runs: Path) -> FilmRequest:
    return FilmRequest(str(tiny_history(runs, 3)), TEXT, None)


@pytest.mark.parametrize("what", films.FIGURES)
def test_a_frame_is_a_figure_of_its_step(request_: FilmRequest, what: str) -> None:
    spec = films.figure(request_, 1, what)
    assert isinstance(spec, FigureSpec)
    assert spec.reading.checkpoint == "checkpoint at step 10"
    assert (spec.attribution is not None) == (what == "words")


def test_the_frame_that_is_waited_for_is_read_first(request_: FilmRequest) -> None:
    shown = films.film(request_)
    films.want(request_, 2)
    read: list[int] = []

    def progress(_: float) -> None:
        read.append(sum(frame is not None for frame in films.film(request_).frames))
        if len(read) == 1:
            assert films.film(request_).frames[2] is not None

    assert films._read_frames(request_)(progress).complete
    assert read == [1, 2, 3]
    assert not shown.complete
    assert films.film(request_).complete


def test_a_film_larger_than_the_cache_is_read_once(
    request_: FilmRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = LRUCache(films._n_bytes(films.film(request_)) + 3_000, films._n_bytes)
    monkeypatch.setattr(films, "_films", cache)
    read, n_read = FilmReader.read, []

    def count(reader: FilmReader, index: int) -> FilmFrame | RefusedFrame:
        n_read.append(index)
        if len(n_read) == 2:  # another film is looked at
            films.film(replace(request_, text="the team wins"))
        return read(reader, index)

    monkeypatch.setattr(FilmReader, "read", count)
    for _ in range(2):
        films._read_frames(request_)(no_progress)
        assert films.film(request_).complete
    assert sorted(n_read) == [0, 1, 2]
