"""How a kind of figure writes its numbers, the same that its picture shows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from viz.attention.words import Span
from viz.figures.kinds import resolve
from viz.figures.spec import FigureSpec

Row = Sequence[object]
Arrays = dict[str, Any]
"""Those of a long text are an `Entry` of `viz.export.npz_stream` each."""
Values = dict[str, Any]
"""What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of a kind of figure are written.

    Each function may raise a SelectionError where there are too many of them.
    """

    rows: Callable[[FigureSpec], Iterator[Row]]
    """The table: a header, then its rows."""
    arrays: Callable[[FigureSpec], Arrays]
    """Arrays by name, those that label their axes among them."""
    values: Callable[[FigureSpec], Values]
    """What JSON can hold; replay computes it again and compares."""


def numbers_of(spec: FigureSpec) -> Numbers:
    """How the numbers of this figure are written."""
    numbers: Numbers = resolve(spec.figure_kind.numbers)
    return numbers


def span_arrays(name: str, spans: Sequence[Span]) -> Arrays:
    """Labels, places in the text, and which are special; part −1 is that of a special token."""
    return {
        name: text_array(span.label for span in spans),
        f"{name}_place": np.array([(s.start, s.end) for s in spans], np.int64).reshape(-1, 2),
        f"{name}_special": np.array([span.special for span in spans], np.bool_),
        f"{name}_part": np.array([-1 if s.part is None else s.part for s in spans], np.int64),
    }


def text_array(texts: Iterable[str]) -> Any:
    """Texts as an array that needs no pickle."""
    return np.array(list(texts), dtype=np.str_)
