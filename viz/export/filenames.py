"""File names made by us: from the checkpoint and what is shown, never from the text."""

import re
from collections.abc import Iterator, Sequence
from zlib import crc32

from viz.attention.heads import head_list
from viz.attribution import find_method
from viz.attribution.descriptions import Explained
from viz.figures.spec import FigureSpec
from viz.types import Attribution, MissingAttention, Reading

MAX_PART_CHARS = 60
"""Characters that each part of a file name may have."""
MAX_HEADS_CHARS = 40
"""Characters that a list of heads that were off may have there."""


def file_name(spec: FigureSpec, extension: str) -> str:
    """A name such as `ag-news-minilm-head-L3-H7.png`, safe on every file system."""
    return checkpoint_name(spec.reading.checkpoint, *_parts(spec), extension=extension)


def reading_name(reading: Reading, *parts: str, extension: str) -> str:
    """The name of a file that holds more of a reading than one figure."""
    return checkpoint_name(reading.checkpoint, *parts, *_read(reading), extension=extension)


def checkpoint_name(checkpoint: str, *parts: str, extension: str) -> str:
    """The name of a file that holds something of a checkpoint."""
    return f"{'-'.join(map(_safe, (checkpoint, *parts)))}.{_safe(extension)}"


def archive_name(specs: Sequence[FigureSpec]) -> str:
    """The name of a ZIP of figures of one reading: method, and what is not the usual way.

    The last layer and the mean over heads are the usual ones.
    """
    reading = specs[0].reading
    places = dict.fromkeys(part for spec in specs for part in _place(spec))
    places.pop("mean", None)
    if not isinstance(reading.attention, MissingAttention):
        places.pop(f"L{reading.attention.n_layers - 1}", None)
    variants = dict.fromkeys(variant for spec in specs for variant in _variants(spec))
    return reading_name(reading, "all", *places, *variants, extension="zip")


def figure_start(checkpoint: str, kind: str) -> str:
    """How the names of all figures of one kind begin."""
    return f"{_safe(checkpoint)}-{_safe(kind)}"


def method_parts(attribution: Attribution) -> Iterator[str]:
    """The method, and each option of it that isn't the default."""
    yield attribution.method.replace("+", "-plus")
    for option in find_method(attribution.method).options:
        value = attribution.options.get(option.name, option.default)
        if value != option.default:
            yield f"{option.name}-{value}"


def against_part(index: int | None) -> str:
    """The class that another one was compared with, by its number."""
    return "against-none" if index is None else f"against-{index}"


def _parts(spec: FigureSpec) -> Iterator[str]:
    """What tells a figure from others of the same reading, each default left out."""
    yield spec.kind
    yield from _place(spec)
    yield from _variants(spec)
    yield from _read(spec.reading)


def _place(spec: FigureSpec) -> Iterator[str]:
    """The layer and the head of its maps, where it shows those of one, or a mean."""
    takes = spec.figure_kind.takes
    if "layer" in takes:
        yield "all-layers" if spec.layer is None else f"L{spec.layer}"
    if "head" in takes:
        yield "mean" if spec.head is None else f"H{spec.head}"


def table_name(what: str, reading: Reading) -> str:
    """The name of a table of a reading, such as `heads.csv`; it says which heads were off."""
    return f"{'-'.join((what, *_read(reading)))}.csv"


def _read(reading: Reading) -> Iterator[str]:
    """How a text was read, where that is not the usual way: which heads were off, and windows."""
    yield from _off(reading)
    if reading.document is not None:
        index = reading.document.index
        yield "windows" if index is None else f"window-{index}"


def _off(reading: Reading) -> Iterator[str]:
    """The heads that were off; of too many for a name, how many, and what tells them apart."""
    if not reading.without:
        return
    attention = reading.attention
    n_heads = None if isinstance(attention, MissingAttention) else attention.n_heads
    heads = head_list(reading.without, n_heads)
    if len(heads) > MAX_HEADS_CHARS:
        heads = f"{len(reading.without)}-heads-{crc32(heads.encode()):08x}"
    yield f"off-{heads.replace(',', '-')}"


def _variants(spec: FigureSpec) -> Iterator[str]:
    """How a figure shows what it shows, where that is not the usual way."""
    if spec.shows == "scores" and spec.attribution is not None:
        yield from method_parts(spec.attribution)
        yield from _classes(spec.reading, spec.attribution)
    elif spec.contribution is not None:
        yield "contribution"
        yield from _classes(spec.reading, spec.contribution)
    if spec.quadrant != "all":
        yield spec.quadrant
    if spec.unit != "word":
        yield spec.unit
    if not spec.special and spec.shows != "scores":
        yield "no-special"
    if spec.region is not None:
        yield from spec.region.names


def _classes(reading: Reading, explanation: Attribution | Explained) -> Iterator[str]:
    """The explained class and what it is compared with, where they are not the usual ones."""
    prediction = reading.prediction
    target, against = explanation.target_class, explanation.against_class
    if target != prediction.predicted_class:
        yield f"class-{target}"
    if isinstance(explanation, Attribution) and explanation.against_all:
        return
    if against != (None if prediction.multi_label else prediction.runner_up(target)):
        yield against_part(against)


def _safe(name: str) -> str:
    """Letters, digits, dots and dashes of ASCII; every other run becomes one dash.

    A name that is cut ends in a checksum, which tells it from others that begin alike.
    """
    dashed = re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._]+", "-", name)).strip("-._")
    if len(dashed) > MAX_PART_CHARS:
        checksum = f"-{crc32(dashed.encode()):08x}"
        dashed = dashed[: MAX_PART_CHARS - len(checksum)].rstrip("-._") + checksum
    return dashed or "checkpoint"
