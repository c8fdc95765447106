"""Matrices with their numbers in the cells."""

import numpy as np
import pytest

from finetune.evaluation.report import plots
from viz.colors import LIGHT, PALETTES, Theme, mix, readable_ink
from viz.figures.plots.matrix import agreement_map, confusion_map

LABELS = ("one", "<b>two</b>", "three")
CONFUSION = ((1200, 300, 0), (1, 0, 3), (0, 0, 0))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_numbers_of_an_agreement_stand_out_on_their_cells(theme: Theme) -> None:
    agreement = np.array([[1.0, -0.62], [np.nan, 0.14]])
    figure = agreement_map(agreement, ["a", "b"], theme=theme)
    written = {(note.x, note.y): (note.text, note.font.color) for note in figure.layout.annotations}
    scale = PALETTES[theme].diverging
    expected = {(0, 0): ("1.0", 1.0), (1, 0): ("−0.6", -0.62), (1, 1): ("0.1", 0.14)}
    assert written == {
        place: (text, readable_ink(mix(scale, (value + 1) / 2)))
        for place, (text, value) in expected.items()
    }


def test_a_cell_is_colored_by_its_share_of_the_true_class() -> None:
    figure = confusion_map(CONFUSION, LABELS)
    (drawn,) = figure.data
    assert drawn.z.tolist() == [[0.8, 0.2, 0.0], [0.25, 0.0, 0.75], [0.0, 0.0, 0.0]]
    assert drawn.customdata[..., 2].tolist() == [["1,200", "300", "0"], ["1", "0", "3"], ["0"] * 3]
    assert figure.layout.yaxis.autorange == "reversed"  # the first class is on top


def test_numbers_stand_in_the_cells_that_have_rows() -> None:
    written = {
        (note.y, note.x): note.text for note in confusion_map(CONFUSION, LABELS).layout.annotations
    }
    assert written == {(0, 0): "1,200", (0, 1): "300", (1, 0): "1", (1, 2): "3"}


@pytest.mark.parametrize(
    "names", [("1", "2", "3"), ("2019", "2020", "2021"), ("2024-01-01", "same", "same"), LABELS]
)
def test_cells_and_numbers_share_their_places_whatever_classes_are_called(
    names: tuple[str, ...],
) -> None:
    """Annotations stand at 0, 1, 2; plotly would put a class "1" at 1, and one "2019" far away."""
    figure = confusion_map(CONFUSION, names)
    (drawn,) = figure.data
    assert drawn.x is None
    assert drawn.y is None
    written = [name.replace("<", "&lt;").replace(">", "&gt;") for name in names]
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.type is None
        assert list(axis.tickvals) == [0, 1, 2]
        assert list(axis.ticktext) == written
    assert drawn.customdata[0, 2].tolist() == [written[0], written[2], "0"]


def test_dark_has_colors_of_its_own() -> None:
    scales = [
        confusion_map(CONFUSION, LABELS, theme=theme).data[0].colorscale for theme in PALETTES
    ]
    assert scales[0] != scales[1]


def test_pictures_beside_a_checkpoint_have_the_colors_of_the_page() -> None:
    """They are drawn by finetune, which imports nothing of viz."""
    assert LIGHT.sequential == plots.SEQUENTIAL
    assert (LIGHT.ink, LIGHT.muted, LIGHT.line) == (plots.INK, plots.QUIET, plots.LINE)
    assert (LIGHT.accent, LIGHT.diverging[1]) == (plots.BLUE, plots.ORANGE)
