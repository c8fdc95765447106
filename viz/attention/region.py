"""A region: some of the rows of a map and some of its columns."""

import re
from dataclasses import dataclass, replace

import numpy as np

from viz.attention.views import AttentionView
from viz.errors import SelectionError

Range = tuple[int, int]
"""The first of some rows or columns, counted from 0, and the one behind the last."""
_RANGE = re.compile(r"\s*(\d{1,9})\s*:\s*(\d{1,9})\s*")


@dataclass(frozen=True, slots=True)
class Region:
    """Some rows and columns of a map, counted as its view has them: in words or wordpieces.

    Raises:
        SelectionError: for a range that holds nothing.
    """

    rows: Range | None = None
    """None for all."""
    columns: Range | None = None
    """None for all."""

    def __post_init__(self) -> None:
        """Check that each range holds something."""
        for name in ("rows", "columns"):
            chosen: Range | None = getattr(self, name)
            if chosen is not None and not 0 <= chosen[0] < chosen[1]:
                raise SelectionError(
                    f"{name.capitalize()} {_written(chosen)} hold nothing; give START:END, counted "
                    "from 0, with an end above its start."
                )

    @classmethod
    def parse(cls, rows: str | None, columns: str | None) -> "Region | None":
        """The region of two ranges such as `100:200`; None where neither is given.

        Raises:
            SelectionError: for what is not a range.
        """
        if rows is None and columns is None:
            return None
        return cls(_parsed("rows", rows), _parsed("columns", columns))

    @property
    def names(self) -> tuple[str, ...]:
        """Each range in a few words: `rows 100:200`."""
        ranges = {"rows": self.rows, "columns": self.columns}
        return tuple(f"{name} {_written(each)}" for name, each in ranges.items() if each)

    @property
    def sentence(self) -> str:
        """What a reader must know of a picture of it, without a capital and a period."""
        return f"{' and '.join(self.names)} of the map, counted from 0; nothing is rescaled for it"

    @property
    def corner(self) -> tuple[int, int]:
        """Its first row and its first column."""
        return (self.rows or (0, 0))[0], (self.columns or (0, 0))[0]

    def slices(self, n_rows: int, n_columns: int) -> tuple[slice, slice]:
        """Its rows and columns of a map that has so many.

        Raises:
            SelectionError: where the map ends before the region does.
        """
        sides = (("rows", self.rows, n_rows), ("columns", self.columns, n_columns))
        return tuple(_slice(*side) for side in sides)  # type: ignore[return-value]


def crop(shown: AttentionView, region: Region) -> AttentionView:
    """A region of a view; nothing is rescaled.  (L, H, n, m) -> (L, H, r, c)

    Raises:
        SelectionError: where the view ends before the region does.
    """
    rows, columns = region.slices(len(shown.spans), len(shown.keys))
    impossible = shown.impossible
    if impossible is not None:
        impossible = np.ascontiguousarray(impossible[..., rows, columns])
    return replace(
        shown,
        spans=shown.spans[rows],
        keys=shown.keys[columns],
        weights=np.ascontiguousarray(shown.weights[..., rows, columns]),
        removed=shown.removed[..., rows],
        impossible=impossible,
    )


def _slice(name: str, chosen: Range | None, count: int) -> slice:
    if chosen is None:
        return slice(0, count)
    if chosen[1] > count:
        raise SelectionError(
            f"{name.capitalize()} {_written(chosen)} do not exist: this map has {count:,}; "
            f"choose within 0:{count}."
        )
    return slice(*chosen)


def _parsed(name: str, text: str | None) -> Range | None:
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise SelectionError(
            f"{text!r} is not a range of {name}; give START:END, counted from 0, such as 100:200."
        )
    return int(match[1]), int(match[2])


def _written(chosen: Range) -> str:
    return f"{chosen[0]}:{chosen[1]}"
