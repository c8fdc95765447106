"""What an audit has worked out already, in files, so that it can be stopped and goes on."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import TypeAdapter

from finetune.checkpoint.arrays import IntArray
from finetune.errors import RecordError
from finetune.run.atomic_files import write_atomically
from finetune.run.json_files import Schema
from viz.errors import SelectionError

Part = TypeVar("Part")

VERSION = 1
"""Counted up where what is computed changes, so that nothing old is taken for it."""
FOLDER = ".audit"
"""Where the files lie within the folder of an audit."""


class AuditCache:
    """Files of one audit; without a folder nothing is kept.

    Files are whole or not there, and one that can't be read is worked out again.

    Args:
        folder: Of the audit.
        settings: All that its results depend on; of another audit nothing is taken.
    """

    def __init__(self, folder: Path | None, settings: Any) -> None:
        text = json.dumps([VERSION, settings], sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        self._root = None if folder is None else folder / FOLDER
        self.folder = None if self._root is None else self._root / key

    def prepare(self) -> None:
        """Make the folder, and remove what other audits left in it.

        Raises:
            SelectionError: where it can't be written to.
        """
        if self._root is None or self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for other in self._root.iterdir():
                if other != self.folder and other.is_dir() and not other.is_symlink():
                    shutil.rmtree(other, ignore_errors=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def add_rows(self, name: str, indices: IntArray, arrays: Mapping[str, Any]) -> None:
        """Keep arrays with a line for each of some rows of the file called *name*."""
        content = io.BytesIO()
        np.savez(content, indices=indices, **arrays)
        self._write(f"{name}-{int(indices[0])}-{len(indices)}.npz", content.getvalue())

    def rows(self, name: str) -> Iterator[tuple[IntArray, dict[str, Any]]]:
        """The rows of each file that `add_rows` wrote, and their arrays."""
        if self.folder is None:
            return
        for file in sorted(self.folder.glob(f"{name}-*.npz")):
            with suppress(OSError, ValueError, KeyError, EOFError):
                with np.load(file, allow_pickle=False) as arrays:
                    parts = {key: arrays[key] for key in arrays.files}
                yield parts.pop("indices"), parts

    def add(self, name: str, kind: Any, part: object) -> None:
        """Keep a part of the record."""
        self._write(f"{name}.json", TypeAdapter(kind).dump_json(part))

    def get(self, name: str, kind: type[Part]) -> Part | None:
        """A part of the record; None where it wasn't kept, or is damaged."""
        if self.folder is None:
            return None
        with suppress(RecordError):
            return cast("Part", Schema[Any](kind).read(self.folder / f"{name}.json"))
        return None

    def _write(self, name: str, content: bytes) -> None:
        if self.folder is None:
            return
        try:
            write_atomically(self.folder / name, content)
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def _unwritable(folder: Path, error: OSError) -> SelectionError:
    reason = error.strerror or "the system refuses"
    return SelectionError(f"{str(folder)!r} can't be written: {reason}; choose another folder.")
