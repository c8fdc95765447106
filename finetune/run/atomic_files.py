"""Files that are there whole or not at all, whenever the process or the machine stops.

Whoever looks sees the old content or the new, never half of it; and what is written or removed is
what has the name, never what a link of that name leads to.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

OLD_SUFFIX = ".old"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
PART_SUFFIX = ".part"
"""How the name of an unfinished file ends; it begins with a dot."""


Content = str | bytes | Callable[[BinaryIO], None]
"""What a file is to hold, or what writes it piece by piece."""


def write_atomically(path: Path, content: Content) -> None:
    """Let *path* hold *content*, or what it held before.

    A link at *path* is replaced, not followed.

    Raises:
        OSError: The folder can't be written to, the disk is full, or *path* is a folder.
    """
    with _partial_file(path, content) as part:
        part.replace(path)
    sync(path.parent)


def create_atomically(path: Path, content: str | bytes) -> None:
    """Let *path* hold *content*, where nothing has that name, not even a link that leads nowhere.

    Raises:
        FileExistsError: Something has that name; of several who write at once all but one hear so.
        OSError: The folder can't be written to, or the disk is full.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with _partial_file(path, content) as part:
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # the disk knows no second name for a file
            part.replace(path)
    sync(path.parent)


def write_user_file(path: Path, content: str | bytes) -> None:
    """Let a file that the user named hold *content*: whole, or what it held before.

    Unlike `write_atomically` it follows a link, for whoever named it made it; and a pipe or a
    device, such as `/dev/stdout`, is handed the content as it is. Its folder is made if it is not
    there, so that what took long to measure isn't lost to a name.
    """
    data = _encoded(content)
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
    else:
        file = Path(os.path.realpath(path))  # Path.resolve raises on a link to itself
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, data)


def _encoded(content: str | bytes) -> bytes:
    """*content* as bytes; half a character, which a file's name may hold, becomes a box."""
    return LONE_SURROGATE.sub("\ufffd", content).encode() if isinstance(content, str) else content


@contextmanager
def _partial_file(path: Path, content: Content) -> Iterator[Path]:
    """A file beside *path* that the disk has whole; afterwards it is gone by that name."""
    # A name of its own: two that write at once don't share one, and nobody can lay a link there.
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        with part.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(_encoded(content))
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Remove the unfinished files that a killed process left in *folder*."""
    for part in folder.glob(f".*{PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, a folder with all that is in it, or nothing where nothing is there.

    Of a link the link alone goes, here and inside the folder.

    Raises:
        OSError: The system refuses.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_atomically(folder: Path) -> None:
    """Remove *folder*; from the first moment on it is not there by its name."""
    hidden = folder.with_name(f".{folder.name}{OLD_SUFFIX}")
    remove_quietly(hidden)
    try:
        folder.rename(hidden)
    except FileNotFoundError:
        return
    remove_quietly(hidden)


def remove_quietly(path: Path) -> None:
    """Remove as much as the system lets go of; what is left is found by the next who looks."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def sync_all(folder: Path) -> None:
    """Wait until the disk has all that is in *folder*."""
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Wait until the disk has *path*: a change of name may reach it before the content does."""
    if os.name == "nt":
        return  # there a file opened for reading, and a folder, can't be waited for
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
