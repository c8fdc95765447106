"""Files of a folder that anybody may have made: only regular ones inside it, and of bounded size.

A pipe would be waited for, a device read without end, a link could lead to anything: none of them
is opened.
"""

import json
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.checkpoint.source import shown
from finetune.errors import ModelError

MEGABYTE = 2**20
MAX_INTEGER = 2**63
"""Beyond it a number in a configuration can't be meant."""


def checked_file(folder: Path, name: str, owner: str, room: str = "") -> Path | None:
    """The file *name* of *folder*, or None where there is nothing of that name.

    Args:
        folder: Where it lies.
        name: Its name, which is not a path.
        owner: What messages call the folder.
        room: The folder inside that one that it lies in; blank where it lies in none.

    Raises:
        ModelError: It is not a regular file, or leads out of the folder.
    """
    for part in (name, room or name):
        if not part or part in (".", "..") or "/" in part or os.sep in part or "\0" in part:
            raise ModelError(
                f"{shown(part)} in {owner} is a path, not a file of that folder; copy or save the"
                " whole checkpoint again"
            )
    path = folder / room / name
    if not os.path.lexists(path):
        return None
    try:
        real, root = path.resolve(strict=True), folder.resolve()
        kind = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"{shown(name)} in {owner} is a broken link; copy the file itself there"
        ) from error
    if not (real.is_relative_to(root) or real.is_relative_to(_blobs(root))):
        raise ModelError(
            f"{shown(name)} in {owner} is a link that points outside the folder; copy the file"
            " itself there"
        )
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
        raise ModelError(
            f"{shown(name)} in {owner} is {what}, not a file; copy or save the checkpoint again"
        )
    return real


def _blobs(root: Path) -> Path:
    """Where the Hub's cache keeps the files that its folder `snapshots/COMMIT` links to."""
    model = root.parent.parent
    in_cache = root.parent.name == "snapshots" and model.name.startswith("models--")
    return model / "blobs" if in_cache else root


def read_bytes(file: Path, name: str, owner: str, limit: int) -> bytes:
    """The bytes of a checked file.

    Raises:
        ModelError: It has more than *limit* bytes, or can't be read.
    """
    try:
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size <= limit:
                return stream.read(limit)
    except OSError as error:
        raise ModelError(
            f"{shown(name)} in {owner} can't be read: {error.strerror or 'the disk failed'}"
        ) from error
    raise ModelError(
        f"{shown(name)} in {owner} has {size:,} bytes, more than the {limit:,} that are read; copy"
        " or save the checkpoint again"
    )


def read_json(
    file: Path, name: str, owner: str, limit: int, *, largest: float | None = MAX_INTEGER
) -> dict[str, Any]:
    """The object in a checked file.

    Args:
        file: What to read.
        name: What messages call it.
        owner: What messages call the folder.
        limit: Bytes that it may have.
        largest: How far from 0 a number in it may be; None looks at none.

    Raises:
        ModelError: It is none, or a number in it is none or too large.
    """
    again = "copy or save the checkpoint again"
    try:
        content = json.loads(read_bytes(file, name, owner, limit).decode())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{shown(name)} in {owner} can't be read as JSON; {again}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{shown(name)} in {owner} does not contain a JSON object; {again}")
    if largest is None:
        return content
    for key, number in _numbers(content):
        if not -largest <= number <= largest:
            nan = isinstance(number, float) and math.isnan(number)
            odd = "not a number" if nan else "too large"
            raise ModelError(f"{shown(key)} in {shown(name)} of {owner} is {odd}; correct it")
    return content


def _numbers(content: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Every number in it, with the outermost key that leads there."""
    left: list[tuple[str, Any]] = list(content.items())
    while left:
        key, value = left.pop()
        if isinstance(value, dict):
            left.extend((key, part) for part in value.values())
        elif isinstance(value, list):
            left.extend((key, part) for part in value)
        elif isinstance(value, int | float):
            yield key, value
