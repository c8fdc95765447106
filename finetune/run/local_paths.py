"""Paths on this machine: found where a source names one, compared, and shown by their last part."""

import os
from collections.abc import Iterable
from pathlib import Path

from finetune.errors import OutputError


def local_path(source: str) -> Path:
    """The path that *source* names on this machine; `~nobody` stays as it is."""
    if "\0" in source:
        return Path(source)
    return Path(os.path.expanduser(source))  # noqa: PTH111 - Path.expanduser raises on it


def shown_name(source: str) -> str:
    """The last part of a path on this machine; a Hub name as it is."""
    path = local_path(source)
    # Path's own methods raise on a name too long, and resolve on one with NUL.
    if "\0" in source or not (os.path.exists(path) or path.is_absolute()):  # noqa: PTH110
        return source
    return path.resolve().name


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two paths name one file, which may not be there yet."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # ValueError: of a name with NUL
        return os.path.abspath(path) == os.path.abspath(other)  # noqa: PTH100 - without ".."


def require_other_file(output: Path | None, sources: Iterable[str]) -> None:
    """Refuse to write over what is read, before anything slow begins.

    Raises:
        OutputError: where the file to write is one of the sources; Hub names are passed over.
    """
    if output is not None and any(is_same_file(output, local_path(each)) for each in sources):
        raise OutputError(f"{output.name!r} is read and would be written over; name another file")
