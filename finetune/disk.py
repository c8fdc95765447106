"""Files that are there whole or not at all, whenever the process or the machine stops."""

import os
import shutil
from pathlib import Path

OLD = ".old"


def write_whole(path: Path, text: str) -> None:
    """Let *path* hold *text*, or what it held before."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)


def remove_whole(folder: Path) -> None:
    """Remove *folder*; from the first moment on it is not there by its name."""
    hidden = folder.with_name(f".{folder.name}{OLD}")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        folder.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden, ignore_errors=True)


def sync_all(folder: Path) -> None:
    """Wait until the disk has all that is in *folder*."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Wait until the disk has *path*: a change of name may reach it before the content does."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
