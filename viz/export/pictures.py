"""Pictures asked for by a reading's parts instead of a plate: PNG only."""

from viz.export.formats import Look, render
from viz.export.plate import Plate
from viz.types import Attribution, Reading
from viz.words import Unit


def head_png(
    reading: Reading,
    *,
    layer: int | None,
    head: int | None,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> bytes:
    """One heat map; None takes the mean over layers or heads."""
    plate = Plate(reading, "head", layer, head, unit, special)
    return render(plate, "png", Look(dpi, colormap))


def layer_png(
    reading: Reading,
    *,
    layer: int,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> bytes:
    """A heat map for each head of one layer."""
    plate = Plate(reading, "layer", layer, unit=unit, special=special)
    return render(plate, "png", Look(dpi, colormap))


def atlas_png(
    reading: Reading,
    *,
    unit: Unit = "word",
    special: bool = True,
    colormap: str = "Blues",
    dpi: int = 150,
) -> bytes:
    """A thumbnail for each head of each layer."""
    plate = Plate(reading, "atlas", unit=unit, special=special)
    return render(plate, "png", Look(dpi, colormap))


def attribution_png(
    reading: Reading, attribution: Attribution, *, unit: Unit = "word", dpi: int = 150
) -> bytes:
    """The text in coloured words."""
    plate = Plate(reading, "attribution", unit=unit, attribution=attribution)
    return render(plate, "png", Look(dpi))
