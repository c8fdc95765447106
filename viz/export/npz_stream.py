"""Arrays that are too large to hold, written into an NPZ some rows at a time.

The file is what `numpy.savez_compressed` would write, packed less tightly for the sake of speed.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.long_view import LongView
from viz.figures.long_maps import Part, blocks
from viz.jobs.cancellation import check_cancelled
from viz.types import BoolArray

COMPRESSION = 1
"""The level of zlib: random weights shrink by a tenth at any level, and zeros to nothing."""


@dataclass(frozen=True, slots=True)
class ArrayBlocks:
    """An array whose rows come in blocks, each of which can be forgotten."""

    shape: tuple[int, ...]
    blocks: Iterable[NDArray[Any]]


Entry = NDArray[Any] | ArrayBlocks | Callable[[], "NDArray[Any] | ArrayBlocks | None"]
"""An array, or what makes it once those before it are written; None leaves it out."""


def write_npz(file: BinaryIO, entries: Mapping[str, Entry]) -> None:
    """Write arrays one after the other, none of them with a pickle.

    Args:
        file: Where to.
        entries: The arrays by name, in their order.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as packed:
        for name, entry in entries.items():
            check_cancelled()
            values = entry() if callable(entry) else entry
            if values is None:
                continue
            with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
                if isinstance(values, ArrayBlocks):
                    _write_blocks(member, values)
                else:
                    np.lib.format.write_array(member, np.asanyarray(values), allow_pickle=False)


def _write_blocks(member: Any, values: ArrayBlocks) -> None:
    n_rows = 0
    for block in values.blocks:
        check_cancelled()
        if not n_rows:
            np.lib.format.write_array_header_2_0(
                member,
                {
                    "descr": np.lib.format.dtype_to_descr(block.dtype),
                    "fortran_order": False,
                    "shape": values.shape,
                },
            )
        n_rows += len(block)
        member.write(np.ascontiguousarray(block).data.cast("B"))
    if n_rows != values.shape[0]:
        raise ValueError(f"{n_rows} rows came for an array of shape {values.shape}")


@dataclass(slots=True)
class LongMap:
    """One map of a long text, or a part of it, as arrays that are written as they are computed."""

    view: LongView
    layer: int | None
    head: int | None
    part: Part
    _removed: list[FloatArray] = field(default_factory=list)
    _bits: list[NDArray[np.uint8]] = field(default_factory=list)
    """What can't be looked at in each block, eight pairs to a byte: a 32nd of the weights."""
    _any_impossible: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.part
        return rows.stop - rows.start, columns.stop - columns.start

    def entries(self, measure: str) -> dict[str, Entry]:
        """Its numbers, what was removed from rows, and what can't be looked at."""
        return {
            measure: ArrayBlocks(self.shape, self._values()),
            "removed": self._removed_array,
            "impossible": self._impossible_array,
        }

    def _values(self) -> Iterator[FloatArray]:
        for block in blocks(self.view, self.layer, self.head, *self.part):
            self._removed.append(block.removed[0, 0])
            mask = block.impossible
            self._any_impossible |= mask is not None
            flags = np.zeros(block.weights.shape[2:], dtype=bool) if mask is None else mask[0]
            self._bits.append(np.packbits(flags, axis=1))
            yield block.weights[0, 0]

    def _removed_array(self) -> FloatArray:
        return np.concatenate(self._removed)

    def _impossible_array(self) -> ArrayBlocks | None:
        return ArrayBlocks(self.shape, self._masks()) if self._any_impossible else None

    def _masks(self) -> Iterator[BoolArray]:
        for bits in self._bits:
            yield np.unpackbits(bits, axis=1, count=self.shape[1]).astype(bool)
