"""What an audit has worked out already, in files, so that it can be stopped and goes on."""

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import TypeAdapter

from finetune.checkpoint.arrays import IntArray
from finetune.run.atomic_files import write_atomically
from viz.errors import SelectionError

Part = TypeVar("Part")

VERSION = 3
"""Counted up where what is computed changes, so that nothing old is taken for it."""
N_DIGEST = hashlib.sha256().digest_size
FOLDER = ".audit"
"""Where the files lie within the folder of an audit."""
N_KEY = 24
KEY = re.compile(f"[0-9a-f]{{{N_KEY}}}")
"""How the folder of one audit in it is named; others are not touched."""


class AuditCache:
    """Files of one audit; without a folder nothing is kept.

    Each file begins with the digest of what follows, so that a damaged one is worked out again.

    Args:
        folder: Of the audit.
        settings: All that its results depend on; of another audit nothing is taken.
    """

    def __init__(self, folder: Path | None, settings: Any) -> None:
        text = json.dumps([VERSION, settings], sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()[:N_KEY]
        self._root = None if folder is None else folder / FOLDER
        self.folder = None if self._root is None else self._root / key

    def prepare(self) -> None:
        """Make the folder, and remove what other audits left in it.

        Raises:
            SelectionError: where it can't be written to, or is a link: what lies behind one is
                somebody else's.
        """
        if self._root is None or self.folder is None:
            return
        if self._root.is_symlink():
            raise SelectionError(f"{str(self._root)!r} is a link; remove it.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for other in self._root.iterdir():
                if other != self.folder and KEY.fullmatch(other.name) and not other.is_symlink():
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
            content = _whole(file)
            if content is not None:
                with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                    parts = {key: arrays[key] for key in arrays.files}
                yield parts.pop("indices"), parts

    def add(self, name: str, kind: Any, part: object) -> None:
        """Keep a part of the record."""
        self._write(f"{name}.json", TypeAdapter(kind).dump_json(part))

    def get(self, name: str, kind: type[Part]) -> Part | None:
        """A part of the record; None where it wasn't kept, or is damaged."""
        if self.folder is None:
            return None
        content = _whole(self.folder / f"{name}.json")
        if content is None:
            return None
        return cast("Part", TypeAdapter[Any](kind).validate_json(content))

    def _write(self, name: str, content: bytes) -> None:
        if self.folder is None:
            return
        try:
            write_atomically(self.folder / name, hashlib.sha256(content).digest() + content)
        except OSError as error:
            raise _unwritable(self.folder, error) from error


def _whole(file: Path) -> bytes | None:
    """What was written into a file; None where it isn't there, or is damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, content = content[:N_DIGEST], content[N_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def _unwritable(folder: Path, error: OSError) -> SelectionError:
    reason = error.strerror or "the system refuses"
    return SelectionError(f"{str(folder)!r} can't be written: {reason}; choose another folder.")
