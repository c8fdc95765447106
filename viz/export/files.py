"""Files that are put in place whole, or not at all."""

import os
from pathlib import Path

from viz.errors import SelectionError

PART = ".part"
"""How the name of an unfinished file ends; it begins with a dot."""


def write(path: Path, content: bytes) -> Path:
    """Put a file in place; whoever looks sees the old one or the new one, never half of it.

    Raises:
        SelectionError: where the folder can't be written to.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise SelectionError(
            f"{str(path)!r} can't be written: {reason}; choose another folder."
        ) from error
    return path


def sweep(folder: Path) -> None:
    """Remove what a killed run left unfinished."""
    for part in folder.glob(f".*{PART}"):
        part.unlink(missing_ok=True)
