"""Which files are read, and what a file is that is none of them, by its first bytes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from finetune.data.tables.messages import shown
from finetune.errors import DataError

FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
"""How the names of files of rows end, in any case."""

HEAD_BYTES = 4_096
"""Bytes by which a file of another kind is told."""

WORKBOOK = "is an Excel workbook; save the sheet as CSV (UTF-8)"
SHEET = "is a spreadsheet; save the sheet as CSV (UTF-8)"
PACKED = "is a compressed file ({}); decompress it first"
ZIP = "is a ZIP file or an Excel workbook; decompress it, or save the sheet as CSV (UTF-8)"
BY_SUFFIX = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb"), WORKBOOK),
    ".ods": SHEET,
    **{
        suffix: PACKED.format(suffix[1:])
        for suffix in (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz")
    },
}
BY_START = {
    b"\x1f\x8b": PACKED.format("gzip"),
    b"BZh": PACKED.format("bzip2"),
    b"\xfd7zXZ": PACKED.format("xz"),
    b"\x28\xb5\x2f\xfd": PACKED.format("Zstandard"),
    b"7z\xbc\xaf": PACKED.format("7-Zip"),
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook or another Office file; save the sheet as CSV"
    " (UTF-8)",
    b"%PDF": "is a PDF; save its rows as CSV (UTF-8)",
    b"ARROW1": "is an Arrow file; save it as Parquet",
    b"SQLite format 3": "is an SQLite database; export its table as CSV (UTF-8)",
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself; get it with git"
    " lfs pull",
    b"\xff\xfe": "is not UTF-8 but UTF-16; save it as UTF-8",
    b"\xfe\xff": "is not UTF-8 but UTF-16; save it as UTF-8",
}
"""What a file is by its first bytes, and what to do; Parquet and ZIP need a closer look."""
HTML_STARTS = (b"<!doctype html", b"<html")


@contextmanager
def open_file(path: Path) -> Iterator[BufferedReader]:
    """The file at *path*, open to be read; it lies on a disk and is of a kind that is known.

    Raises:
        DataError: where it is not a file, can't be opened or read, or is of another kind.
    """
    name = path.name or str(path)
    require_known_suffix(name)
    try:
        with _opened(path, name) as file:
            require_kind(name, file.read(HEAD_BYTES))
            file.seek(0)
            yield file
    except OSError as error:
        reason = (error.strerror or "the system refuses").lower()
        raise DataError(f"{shown(name)} can't be read: {reason}; give another file") from error
    except (MemoryError, OverflowError) as error:
        raise DataError(
            f"{shown(name)} is too large for the memory here; give a part of it"
        ) from error


def is_readable(name: str) -> bool:
    """Whether a file of that name is of a kind that is read."""
    return Path(name).suffix.lower() in FORMATS


def require_known_suffix(name: str) -> None:
    """Refuse the name of a file of another kind than `FORMATS`."""
    if not is_readable(name):
        known = BY_SUFFIX.get(Path(name).suffix.lower())
        formats = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise DataError(
            f"{shown(name)} {known or f'is not a file of rows; give one that ends in {formats}'}"
        )


def _opened(path: Path, name: str) -> BufferedReader:
    try:
        # A pipe would wait for a writer, and a device might not end.
        _require_regular(path.stat().st_mode, name)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except ValueError as error:  # NUL, or half a surrogate pair
        raise DataError(f"{shown(name)} can't be the name of a file; give another") from error
    file = os.fdopen(descriptor, "rb")
    try:
        _require_regular(os.fstat(descriptor).st_mode, name)
    except DataError:
        file.close()
        raise
    return file


def _require_regular(mode: int, name: str) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise DataError(f"{shown(name)} is {kind}, not a file of rows; give a file")


def require_kind(name: str, head: bytes) -> None:
    """Refuse a file that is of another kind than its name says."""
    if not head:
        raise DataError(f"{shown(name)} is empty; it needs {_required_content(name)}")
    parquet = Path(name).suffix.lower() == ".parquet"
    problem = _detected_kind(name, head)
    if problem is None and parquet and not head.startswith(b"PAR1"):
        problem = "can't be read as parquet: it is not a Parquet file"
    if problem is None and not parquet and head.count(0) * 4 >= len(head):
        problem = "is not UTF-8 but looks like UTF-16, or like no text at all; save it as UTF-8"
    if problem is not None:
        raise DataError(f"{shown(name)} {problem}")


def _required_content(name: str) -> str:
    return "a header and rows" if Path(name).suffix.lower() in (".csv", ".tsv") else "rows"


def _detected_kind(name: str, head: bytes) -> str | None:
    for start, problem in BY_START.items():
        if head.startswith(start):
            return problem
    if head.startswith(b"PK\x03\x04"):
        if b"opendocument" in head:
            return SHEET
        return WORKBOOK if b"xl/" in head or b"[Content_Types]" in head else ZIP
    if head.startswith(b"PAR1") and not name.lower().endswith(".parquet"):
        return "is a Parquet file; rename it to end in .parquet"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML_STARTS):
        return "is a web page, not a file of rows; download the file itself"
    return None
