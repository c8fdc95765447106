"""Data files given to the Train page: uploads, which are kept beside the runs, and their rows."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from finetune.data.tables.file_types import is_readable, open_file, require_known_suffix
from finetune.data.tables.messages import shown
from finetune.data.tables.reader import read_head
from finetune.data.tables.table import Table
from finetune.errors import DataError
from finetune.run.atomic_files import create_atomically
from viz.errors import RunError, as_sentence
from viz.runs.data_check import without_options
from viz.runs.files import DATA_FOLDER, runs_folder
from viz.runs.finetune_command import is_argument
from viz.runs.public import require_private


def keep_upload(name: str, content: bytes) -> Path:
    """Save an uploaded file under a safe name of our own; a RunError for another kind of file."""
    require_private("uploading")
    with _page_errors():
        require_known_suffix(name)
    suffix = Path(name).suffix.lower()
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:60] or "upload"
    folder = runs_folder() / DATA_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number, place = 1, folder / f"{stem}{suffix}"
        while not _holds(place, content):  # what was checked keeps its date: no second check
            with suppress(FileExistsError):
                create_atomically(place, content)
                break
            number, place = number + 1, folder / f"{stem}-{number + 1}{suffix}"
        return place
    except OSError as error:
        raise RunError(
            f"{name!r} can't be kept: {error.strerror or 'the system refuses'}; free up disk "
            "space, or type the path of the file."
        ) from error


def _holds(place: Path, content: bytes) -> bool:
    """Whether a file, and no link to one, holds exactly this."""
    if place.is_symlink() or not place.is_file() or place.stat().st_size != len(content):
        return False
    return place.read_bytes() == content


def data_files() -> list[Path]:
    """Data files that were uploaded before."""
    files = (file for file in (runs_folder() / DATA_FOLDER).glob("*") if is_readable(file.name))
    return sorted(file for file in files if file.is_file() and not file.name.startswith("."))


def data_file(path: str) -> Path:
    """The data file at a path that was typed; a RunError where there is none."""
    require_private("reading files")
    try:
        place = Path(path).expanduser().absolute()
    except (OSError, ValueError, RuntimeError) as error:  # ~nobody, or NUL after ~
        raise RunError(f"{shown(path)} is not the path of a file here; type another.") from error
    with _page_errors(), open_file(place):
        return place


def head(file: Path) -> Table:
    """The first rows of a data file; a RunError with a sentence where it can't be read."""
    with _page_errors():
        return read_head(file)


def first_rows(table: Table, count: int) -> list[dict[str, str]]:
    """The first rows of a table, cells as text; a name that comes again is numbered."""
    known, names = Counter[str](), []
    for name in table.column_names:
        known[name] += 1
        names.append(name if known[name] == 1 else f"{name} ({known[name]})")
    with _page_errors():
        columns = [["" if c is None else str(c) for c in cells[:count]] for cells in table.cells]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def column_names(table: Table) -> list[str]:
    """The different names of the columns of a table that can be chosen."""
    return [name for name in dict.fromkeys(table.column_names) if name and is_argument(name)]


@contextmanager
def _page_errors() -> Iterator[None]:
    """What is wrong with a file, in the words of the page."""
    try:
        yield
    except DataError as error:
        raise RunError(without_options(as_sentence(error))) from error
