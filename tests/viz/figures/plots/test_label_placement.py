"""Labels of points keep clear of each other."""

from hypothesis import given
from hypothesis import strategies as st

from viz.figures.plots.label_placement import LabeledPoint, label_offsets

POINTS = st.builds(LabeledPoint, st.floats(0, 320), st.floats(0, 420), st.floats(20, 150))


@given(st.lists(POINTS, min_size=1, max_size=20))
def test_no_label_lies_on_another(points: list[LabeledPoint]) -> None:
    offsets = label_offsets(points)
    for index, one in enumerate(points):
        for other in range(index):
            assert not one.overlaps(points[other], offsets[index], offsets[other])


def test_a_label_with_room_stays_beside_its_point() -> None:
    assert label_offsets([LabeledPoint(0, 0, 50), LabeledPoint(0, 100, 50)]) == [0, 0]


@given(POINTS, st.floats(0, 420))
def test_no_line_strikes_a_label_out(point: LabeledPoint, line: float) -> None:
    (offset,) = label_offsets([point], [line])
    assert not point.is_crossed(line, offset)
