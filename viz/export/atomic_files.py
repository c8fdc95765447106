"""Files that are put in place whole, or not at all, and a folder that one run has to itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from finetune.run.atomic_files import write_atomically
from viz.errors import SelectionError

LOCK = ".lock"
"""Held by the run that writes into a folder; the system lets go of it when that run is killed."""


def write(path: Path, content: bytes | Callable[[BinaryIO], None]) -> Path:
    """Put a file in place; whoever looks sees the old one or the new one, never half of it.

    Args:
        path: The file.
        content: What it holds, or what writes it piece by piece.

    Raises:
        SelectionError: where the folder can't be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> SelectionError:
    reason = error.strerror or "the system refuses"
    return SelectionError(f"{str(path)!r} can't be written: {reason}; choose another folder.")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Have a folder to oneself, which is made where missing.

    Raises:
        SelectionError: where another run has it, or it can't be written to.
    """
    # Not bound to a thread: a generator may be closed by another one than began it.
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise SelectionError(
            f"Another run is writing into {str(folder)!r}; wait until it ends, or choose another "
            "folder."
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove what is open
            (folder / LOCK).unlink()
        lock.release()
