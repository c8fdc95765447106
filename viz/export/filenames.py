"""File names made by us: from the checkpoint and what is shown, never from the text."""

import re
from collections.abc import Iterator, Sequence

from viz.figures.spec import FigureSpec
from viz.types import Attribution, Contribution, Reading

LONGEST = 60
"""Characters of a checkpoint's name that a file name keeps."""


def file_name(spec: FigureSpec, extension: str) -> str:
    """A name such as `ag-news-minilm-head-L3-H7.png`, safe on every file system."""
    parts = [spec.reading.checkpoint, *_parts(spec)]
    return f"{'-'.join(map(_safe, parts))}.{_safe(extension)}"


def reading_name(reading: Reading, what: str, extension: str) -> str:
    """The name of a file that holds more of a reading than one figure."""
    return f"{_safe(reading.checkpoint)}-{_safe(what)}.{_safe(extension)}"


def archive_name(specs: Sequence[FigureSpec]) -> str:
    """The name of a ZIP of figures of one reading: what is the usual way is left out."""
    ways = dict.fromkeys(way for spec in specs for way in _ways(spec))
    return reading_name(specs[0].reading, "-".join(("all", *ways)), "zip")


def _parts(spec: FigureSpec) -> Iterator[str]:
    """What tells a figure from others of the same reading, each default left out."""
    yield spec.kind
    yield from _places(spec.kind, spec.layer, spec.head)
    if spec.kind == "attribution" and spec.attribution is not None:
        yield spec.attribution.method
    yield from _ways(spec)


def _ways(spec: FigureSpec) -> Iterator[str]:
    """How a figure shows what it shows, where that is not the usual way."""
    if spec.kind == "attribution" and spec.attribution is not None:
        yield from _classes(spec.reading, spec.attribution)
    elif spec.contribution is not None:
        yield "contribution"
        yield from _classes(spec.reading, spec.contribution)
    if spec.quadrant != "all":
        yield spec.quadrant
    if spec.unit != "word":
        yield spec.unit
    if not spec.special and spec.kind != "attribution":
        yield "no-special"


def _classes(reading: Reading, taken: Attribution | Contribution) -> Iterator[str]:
    """The explained class and the one held against it, where they are not the usual ones."""
    made, target, against = reading.prediction, taken.target_class, taken.against_class
    if target != made.predicted_class:
        yield f"class-{target}"
    if isinstance(taken, Attribution) and taken.against_all:
        return
    if against != (None if made.multi_label else made.runner_up(target)):
        yield "against-none" if against is None else f"against-{against}"


def _places(kind: str, layer: int | None, head: int | None) -> Iterator[str]:
    if kind in ("head", "layer", "arcs"):
        yield "all-layers" if layer is None else f"L{layer}"
    if kind in ("head", "arcs"):
        yield "mean" if head is None else f"H{head}"


def _safe(name: str) -> str:
    """Letters, digits, dots and dashes of ASCII; every other run becomes one dash."""
    kept = re.sub(r"[^A-Za-z0-9._]+", "-", name)
    return re.sub(r"\.{2,}", ".", kept)[:LONGEST].strip("-._") or "checkpoint"
