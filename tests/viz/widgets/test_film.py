"""The film for the browser: every frame once, what all share once, and no more than fits."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import TEXT
from tests.histories import tiny_history
from tests.page_content import component_data
from viz.comparison.film.film import Film, FilmFrame, RefusedFrame
from viz.comparison.film.reader import film
from viz.runs.history import Epoch, History, SeedHistory, Step
from viz.widgets.film import payload as film_widget


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return film(tiny_history(tmp_path_factory.mktemp("film"), 4), TEXT)


def payload(shown: Film, run: History | None = None) -> Any:
    """What the browser is sent, as it gets there."""
    return json.loads(json.dumps(film_widget.payload(shown, run), allow_nan=False))


def page(folder: str) -> None:
    """Mount the film."""
    from pathlib import Path

    from viz.comparison.film.reader import film
    from viz.widgets.film.component import film_player, resting_frame
    from viz.widgets.film.payload import payload

    film_player(payload(film(Path(folder), "oil prices rise"), frame=1), key="film")
    assert resting_frame("film") is None


def test_it_is_mounted_on_a_page(tmp_path: Path) -> None:
    app = AppTest.from_function(page, args=(str(tiny_history(tmp_path, 2)),)).run()
    assert not app.exception
    assert component_data(app, "film")["first"] == 1


def test_frames_have_their_classes_words_and_heads(whole: Film) -> None:
    data = payload(whole)
    assert [frame["name"] for frame in data["frames"]] == [
        "base · step 0", "step 10 · epoch 0.667", "step 20 · epoch 1.33",
        "finished · step 30 · epoch 2",
    ]  # fmt: skip
    orders = {tuple(row["label"] for row in frame["bars"]["rows"]) for frame in data["frames"]}
    assert len(orders) == 1  # no bar changes its place
    ramps = {(frame["text"]["lowest"], frame["text"]["highest"]) for frame in data["frames"]}
    assert len(ramps) == 1  # one scale for all frames
    for frame in data["frames"]:
        total, scale = frame["text"]["caption"].splitlines()
        hidden, words, value = map(float, re.findall(r"[+-]\d\.\d\d", total.replace("−", "-")))
        assert round(hidden + words, 2) == value
        assert scale == "By decomposition; one color scale for all frames, in one unit."
    (last,) = (frame for frame in whole.frames[-1:] if isinstance(frame, FilmFrame))
    bare = replace(last, shares=None, hidden=None, notes=("No shares.",))
    text = payload(replace(whole, frames=(*whole.frames[:-1], bare)))["frames"][-1]["text"]
    assert text["caption"].startswith("No shares.\nHere words are percentages")
    assert text["highest"] == "+100%"
    assert data["frames"][2]["measures"].endswith("validation loss 1.2000 · accuracy 50.00%")
    assert "L" in data["frames"][3]["changes"]
    assert data["frames"][0]["changes"].startswith("The base model")
    assert data["atlas"]["layers"] == 3
    assert data["complete"]
    assert sum(len(group["words"]) for group in data["onsets"]) == len(whole.onsets())


def test_the_outlined_head_is_the_one_that_changed_most(whole: Film) -> None:
    for frame, sent in zip(whole.frames, payload(whole)["frames"], strict=True):
        assert isinstance(frame, FilmFrame)
        selected = sent["selected"]
        distances = frame.from_before
        if distances is None:  # the base says which head will change most
            assert isinstance(whole.frames[-1], FilmFrame)
            distances = whole.frames[-1].from_base
        assert distances is not None
        assert distances[selected["layer"], selected["head"]] == distances.max()
        name = f"L{selected['layer']} · H{selected['head']}"
        assert f"{name} (distance" in sent["changes"] or f"{name} will" in sent["changes"]


def test_frames_that_are_missing_are_pending_or_say_why(whole: Film) -> None:
    first, *_ = whole.frames
    shown = replace(whole, frames=(first, RefusedFrame("It is broken."), None, None))
    data = payload(shown)
    assert data["frames"][1]["refused"] == "It is broken."
    assert data["frames"][2]["pending"]
    assert data["onsets"] == []
    assert data["onset_hint"] == "Said once every frame was read."
    nothing = payload(replace(whole, frames=(None,) * 4))
    assert nothing["atlas"] is None
    assert all(frame["pending"] for frame in nothing["frames"])


def test_the_curves_are_those_of_the_run(whole: Film) -> None:
    norms = {"embeddings": float("nan"), "layer 0": 2.0, "head": 0.25}
    steps = tuple(
        Step(step, step / 10, 2.0 / step, norms if step % 2 else {}) for step in range(1, 21)
    )
    epochs = (Epoch(1, {"validation_loss": 0.5}), Epoch(2, {"accuracy": 0.9}))
    curves = payload(whole, History((SeedHistory(steps, epochs),)))["curves"]
    assert curves["training"][0] == [0.1, 2.0]
    assert len(curves["training"]) == 20
    assert curves["validation"] == [[1.0, 0.5]]
    assert curves["end"] == 2
    assert curves["norms"]["names"] == ["embeddings", "L0", "head"]
    assert curves["norms"]["epochs"] == [step / 10 for step in range(1, 21, 2)]
    assert curves["norms"]["values"] == [[None] * 10, [2.0] * 10, [0.25] * 10]
    assert (curves["norms"]["least"], curves["norms"]["most"]) == (0.25, 2.0)
    without = payload(whole)["curves"]
    assert without["norms"] is None
    assert [epoch for epoch, _ in without["training"]] == pytest.approx([0.6667, 1.3333, 2])
    assert without["validation"] == [[1.0, 1.2]]


def test_many_heads_of_many_frames_are_sent_small(whole: Film) -> None:
    rng = np.random.default_rng(0)
    frame = whole.frames[-1]
    assert isinstance(frame, FilmFrame)
    noise = [
        replace(frame, thumbnails=rng.random((13, 13, 32, 32)).astype(np.float16))
        for _ in range(40)
    ]
    many = replace(whole, frames=tuple(noise), steps=whole.steps[-1:] * 40)
    data = payload(many)
    assert data["atlas"]["rows"] < 32
    assert len(json.dumps(data)) < 5_000_000
