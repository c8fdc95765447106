"""Data files given to the Train page: kept beside the runs, and checked before they are used."""

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from pyarrow.lib import ArrowException
from pyarrow.parquet import ParquetFile

from finetune.disk import write_new
from viz.errors import RunError
from viz.launch import command
from viz.run_files import DATA, last_line, room
from viz.texts import FORMATS

OBJECTS = 100
"""Rows of JSON Lines that are searched for names of columns."""
NAMED_ALIKE = "; each file needs texts and classes (or scores) in columns of the same names"
WORDS = {
    "; name it with --text-column": NAMED_ALIKE,
    "; name it with --label-column": NAMED_ALIKE,
    "--text-column": "the column of texts",
    "--pair-column": "the column of second texts",
    "--label-column": "the column of labels",
    "--max-length": "the longest text",
}
"""What the page calls the options that the check's errors name, the longest first."""


def keep_upload(name: str, content: bytes) -> Path:
    """Save an uploaded file under a safe name of our own; a RunError for another kind of file."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise RunError(f"{name!r} is no data file; give one that ends in {', '.join(FORMATS)}")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:60] or "upload"
    folder = room() / DATA
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number, place = 1, folder / f"{stem}{suffix}"
        while not _holds(place, content):  # what was checked keeps its date: no second check
            with suppress(FileExistsError):
                write_new(place, content)
                break
            number, place = number + 1, folder / f"{stem}-{number + 1}{suffix}"
        return place
    except OSError as error:
        raise RunError(
            f"{name!r} can't be kept: {error.strerror or 'the system refuses'}; make room on the "
            "disk, or type the path of the file"
        ) from error


def _holds(place: Path, content: bytes) -> bool:
    """Whether a file, and no link to one, holds exactly this."""
    if place.is_symlink() or not place.is_file() or place.stat().st_size != len(content):
        return False
    return place.read_bytes() == content


def data_files() -> list[Path]:
    """Data files that were uploaded before."""
    found = (file for file in (room() / DATA).glob("*") if file.suffix in FORMATS)
    return sorted(file for file in found if file.is_file() and not file.name.startswith("."))


def data_file(path: str) -> Path:
    """The data file at a path that was typed; a RunError where there is none."""
    place = Path(path).expanduser().resolve()
    if not place.is_file() or place.suffix.lower() not in FORMATS:
        raise RunError(
            f"{place.name!r} is no data file here; give one that ends in {', '.join(FORMATS)}"
        )
    return place


def first_rows(file: Path, count: int) -> list[dict[str, str]]:
    """The first rows of a data file, cells as text; none where it can't be read."""
    try:
        if file.suffix.lower() == ".parquet":
            batch = next(ParquetFile(file).iter_batches(count), None)
            return [] if batch is None else [_as_text(row) for row in batch.to_pylist()]
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            if file.suffix.lower() == ".jsonl":
                return [_object(line) for line in islice(lines, count)]
            return [_as_text(row) for row in islice(_table(file, lines), count)]
    except (OSError, ValueError, csv.Error, ArrowException):
        return []


def column_names(file: Path) -> list[str]:
    """The different names of the columns of a data file; none where it can't be read."""
    try:
        return list(dict.fromkeys(filter(None, _names(file))))
    except (OSError, ValueError, csv.Error, ArrowException):
        return []


def check(options: Sequence[str]) -> dict[str, Any]:
    """The report of `python -m finetune check`; a RunError with its sentence where it made none."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "check.json"
        words = ["check", *options, f"--json={report}"]
        done = subprocess.run(command(words), capture_output=True, text=True)
        if report.is_file():
            return dict(json.loads(report.read_text("utf-8")))
    told = _without_options(last_line(done.stderr))
    raise RunError(told or "the data check ended without a word; try again")


def _without_options(sentence: str) -> str:
    """A sentence of the command line in the words of the page."""
    for option, words in WORDS.items():
        sentence = sentence.replace(option, words)
    return sentence


def _names(file: Path) -> Iterable[str]:
    if file.suffix.lower() == ".parquet":
        return list(ParquetFile(file).schema_arrow.names)
    if file.suffix.lower() == ".jsonl":
        return [name for row in first_rows(file, OBJECTS) for name in row]
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return list(_table(file, lines).fieldnames or ())


def _table(file: Path, lines: Iterable[str]) -> "csv.DictReader[str]":
    csv.field_size_limit(2**31 - 1)
    return csv.DictReader(lines, delimiter="\t" if file.suffix.lower() == ".tsv" else ",")


def _as_text(row: Mapping[Any, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in row.items()}


def _object(line: str) -> dict[str, str]:
    try:
        return _as_text(dict(json.loads(line)))
    except (ValueError, TypeError):
        return {"line": line}
