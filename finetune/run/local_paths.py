"""Paths on this machine: found where a source names one, and shown by their last part alone."""

import os
from pathlib import Path


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
