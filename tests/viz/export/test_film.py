"""A film as a file: a page that loads nothing, and tables with the numbers of the record."""

import json
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from tests.conftest import TEXT
from tests.histories import tiny_history
from viz.comparison.film.film import Film, FilmFrame, RefusedFrame
from viz.comparison.film.reader import film
from viz.errors import SelectionError
from viz.export.film import FORMATS, film_file


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return film(tiny_history(tmp_path_factory.mktemp("film"), 4), TEXT)


def test_the_page_holds_all_frames_and_loads_nothing(whole: Film) -> None:
    page = film_file(whole, ".html").decode()
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href|url\()\s*=?\s*[\"']?(?:https?:)?//", page)
    (story,) = re.findall(r'id="story">(.*?)</script>', page, re.DOTALL)
    (picture,) = json.loads(story)["pictures"]
    assert len(picture["data"]["frames"]) == 4
    for frame in picture["data"]["frames"]:
        (part,) = frame["text"]["parts"]
        words = (each["text"] for each in part if each["kind"] != "special")
        assert "".join(words) == TEXT


def test_a_text_can_not_end_the_script(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tiny_history(tmp_path_factory.mktemp("film"), 2)
    page = film_file(film(folder, "</script><b>oil</b> prices"), ".html").decode()
    assert page.count("<script") == 2
    assert "<b>oil" not in page


def test_twenty_frames_of_the_shipped_size_are_less_than_5_mb(whole: Film) -> None:
    rng = np.random.default_rng(0)
    frame = whole.frames[-1]
    assert isinstance(frame, FilmFrame)
    # Noise, which compresses least.
    frames = [
        replace(frame, thumbnails=rng.random((7, 13, 32, 32)).astype(np.float16)) for _ in range(20)
    ]
    many = replace(whole, frames=tuple(frames), steps=whole.steps[-1:] * 20)
    assert len(film_file(many, ".html")) < 5_000_000


def test_the_table_has_every_number_of_the_film(whole: Film) -> None:
    table = pd.read_csv(BytesIO(film_file(whole, ".csv")), keep_default_na=False)
    for index, frame in enumerate(whole.frames):
        assert isinstance(frame, FilmFrame)
        own = table[table["frame"] == index]

        def numbers(quantity: str, own: pd.DataFrame = own) -> np.ndarray:
            return np.array(own[own["quantity"] == quantity]["value"], float)

        np.testing.assert_array_equal(numbers("logit"), frame.prediction.logits)
        np.testing.assert_array_equal(numbers("probability"), frame.prediction.probabilities)
        np.testing.assert_array_equal(numbers("score"), frame.scores)
        assert frame.shares is not None
        np.testing.assert_array_equal(numbers("share"), frame.shares)
        added = numbers("hidden") + numbers("share").sum()
        assert added == pytest.approx(numbers("explained"), abs=1e-5)
        assert numbers("explained") == frame.value
        if frame.from_before is not None:
            distances = numbers("distance to frame before")
            np.testing.assert_array_equal(distances, frame.from_before.ravel())
    onsets = table[table["quantity"] == "onset"]
    assert dict(zip(onsets["place"].astype(int), onsets["frame"], strict=True)) == whole.onsets()


def test_the_record_has_them_too(whole: Film) -> None:
    values = json.loads(film_file(whole, ".json"))
    assert values["text"] == TEXT
    assert [frame["step"] for frame in values["frames"]] == [0, 10, 20, 30]
    last = whole.frames[-1]
    assert isinstance(last, FilmFrame)
    assert last.from_base is not None
    sent = values["frames"][-1]
    np.testing.assert_array_equal(np.float32(sent["scores"]), last.scores)
    assert sent["hidden"] + sum(sent["shares"]) == pytest.approx(sent["value"], abs=1e-5)
    np.testing.assert_array_equal(sent["distance_to_base"], last.from_base)
    assert sent["final"]
    assert values["target"] == whole.finished.label


def test_a_refused_frame_says_so_in_every_format(whole: Film) -> None:
    broken = replace(whole, frames=(*whole.frames[:3], RefusedFrame("It is broken.")))
    for kind in FORMATS:
        assert b"It is broken." in film_file(broken, kind)


def test_another_kind_of_file_is_refused(whole: Film) -> None:
    with pytest.raises(SelectionError, match=r"it can be \.html, \.json, \.csv\.$"):
        film_file(whole, ".gif")
