"""A region: rows and columns of a map, as they are asked for and as they are cut out."""

import numpy as np
import pytest

from tests.synthetic import TEXT, read, read_causal
from viz.attention.region import Region, crop
from viz.attention.views import view
from viz.errors import SelectionError


def test_a_region_is_the_slice_of_its_view() -> None:
    reading = read_causal(TEXT, "A second text")
    whole = view(
        reading.encoding,
        reading.attention.weights,
        special=False,
        impossible=reading.attention.impossible,
    )
    part = crop(whole, Region(rows=(2, 7), columns=(1, 4)))
    assert whole.impossible is not None
    assert part.impossible is not None
    np.testing.assert_array_equal(part.weights, whole.weights[:, :, 2:7, 1:4])
    np.testing.assert_array_equal(part.removed, whole.removed[:, :, 2:7])
    np.testing.assert_array_equal(part.impossible, whole.impossible[:, 2:7, 1:4])
    assert part.spans == whole.spans[2:7]
    assert part.keys == whole.keys[1:4]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ("2:5", None, Region(rows=(2, 5))),
        (None, " 0 : 3 ", Region(columns=(0, 3))),
        ("1:2", "3:4", Region((1, 2), (3, 4))),
        (None, None, None),
    ],
)
def test_ranges_are_written_as_in_python(
    rows: str | None, columns: str | None, expected: Region | None
) -> None:
    assert Region.parse(rows, columns) == expected


@pytest.mark.parametrize("text", ["", "5", "a:b", "-1:4", "1:2:3", "1.5:2", ":5", "٣x:4"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match=r"is not a range of rows; give START:END"):
        Region.parse(text, None)


@pytest.mark.parametrize("chosen", [(3, 3), (4, 2), (-1, 2)])
def test_a_range_of_nothing_is_refused(chosen: tuple[int, int]) -> None:
    with pytest.raises(SelectionError, match="hold nothing"):
        Region(columns=chosen)


def test_a_region_beyond_the_map_is_refused_with_what_there_is() -> None:
    reading = read("good movie")
    whole = view(reading.encoding, reading.attention.weights)
    with pytest.raises(SelectionError, match=r"this map has 4; choose within 0:4"):
        crop(whole, Region(rows=(2, 5)))
