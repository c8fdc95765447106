"""Lines of rows that were scored, kept while a run goes on, so that it can be interrupted.

Every process appends to a file of its own; all files of a folder together are what is known.  A
line counts only where it was made with the same settings, so that a folder left behind by another
run does no harm.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from finetune.errors import RecordError
from finetune.run.json_files import (
    Amount,
    Correlation,
    Count,
    Items,
    Number,
    Share,
    open_regular_file,
)
from viz.errors import SelectionError

RowResult = Mapping[str, Any]
"""What is known of one row; JSON."""


Operator = Literal["mask", "delete"]
Numbers = Items[Number]
"""Of each measure, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodResult:
    """What is known of a method on a row."""

    measures: dict[Operator, Numbers]
    tau_occlusion: Correlation | None
    polarity: Share | None
    passes: Amount
    seconds: Amount


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedMethod:
    """Why a method was not measured on a row."""

    refused: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRow:
    """What every line has."""

    row: Count
    settings: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRow(StoredRow):
    """A row that was measured."""

    methods: dict[str, MethodResult | RefusedMethod]
    random: dict[Operator, Numbers]
    best: dict[Operator, Number]


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRow(StoredRow):
    """A row that was not."""

    skipped: str


_STORED_ROW: TypeAdapter[MeasuredRow | SkippedRow] = TypeAdapter(MeasuredRow | SkippedRow)


class PartialResults:
    """The lines of all processes.

    Args:
        folder: Shared by all processes.
        settings: What lines must have been made with: a hash.
        fits: Whether a line holds all that such settings make.
    """

    def __init__(
        self, folder: Path, settings: str, fits: Callable[[RowResult], bool] = lambda _: True
    ) -> None:
        self.folder = folder
        self._settings, self._fits = settings, fits
        self._read: dict[Path, int] = {}
        self._rows: set[int] = set()

    def rows(self) -> Set[int]:
        """The numbers of the rows that are known by now; only what is new is read."""
        for file in self._files():
            self._rows.update(row for row, _ in self._new(file, self._read))
        return self._rows

    def lines(self) -> Iterator[tuple[int, RowResult]]:
        """The number of every row that is known, each once, and what is known of it."""
        seen: set[int] = set()
        for file in self._files():
            for row, line in self._new(file, {}):
                if row not in seen:
                    seen.add(row)
                    yield row, line

    @contextmanager
    def held(self, rank: int) -> Iterator[Path]:
        """Have the file of a process to oneself.

        Raises:
            SelectionError: where another run has it, or it can't be written to.
        """
        file = self.folder / f"shard-{rank}.jsonl"
        lock = FileLock(self.folder / f"shard-{rank}.lock", timeout=0)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise SelectionError(
                f"Another run is writing into {str(self.folder)!r}; wait until it ends, or name "
                "another --output."
            ) from error
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            yield file
        finally:
            lock.release()

    def add(self, file: Path, row: int, line: RowResult) -> None:
        """Append what is known of a row.

        Raises:
            SelectionError: where it can't be written.
        """
        written = json.dumps({"row": row, "settings": self._settings, **line}, allow_nan=False)
        try:
            with file.open("a+b") as stream:
                stream.write(b"" if _ends_with_newline(file) else b"\n")
                stream.write(written.encode() + b"\n")
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def remove(self) -> None:
        """Forget all lines, which are in their place now."""
        for pattern in ("shard-*.jsonl", "shard-*.lock"):
            for file in self.folder.glob(pattern):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it: it stays
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("shard-*.jsonl"))

    def _new(self, file: Path, read: dict[Path, int]) -> Iterator[tuple[int, RowResult]]:
        """The lines of a file behind the bytes that were read; one being written is left."""
        # The first process may merge all files and remove them at any time.
        # Of something else that is called so, nothing is known.
        with suppress(RecordError), open_regular_file(file) as stream:
            stream.seek(read.get(file, 0))
            for written in stream:
                if not written.endswith(b"\n"):
                    return
                read[file] = read.get(file, 0) + len(written)
                line = _parse_row(written)
                if line.get("settings") == self._settings and self._fits(line):
                    yield line["row"], line


def _parse_row(written: bytes) -> RowResult:
    """A line; empty where a killed process left it half written, or it was damaged."""
    try:
        return asdict(_STORED_ROW.validate_json(written, strict=True))
    except ValidationError:
        return {}


def _ends_with_newline(file: Path) -> bool:
    """Whether a file is empty or ends with a whole line."""
    with file.open("rb") as stream:
        stream.seek(0, 2)
        if stream.tell() == 0:
            return True
        stream.seek(-1, 2)
        return stream.read() == b"\n"


def _unwritable(folder: Path, error: OSError) -> SelectionError:
    reason = error.strerror or "the system refuses"
    return SelectionError(f"{str(folder)!r} can't be written: {reason}; name another --output.")
