"""Results of rows that were scored, saved while a run goes on, so that it can be interrupted.

Each process that writes appends lines of JSON to a file of its own; all files of a folder together
are what is known.  A line counts only if it was made with the same settings, so that a folder left
behind by another run does no harm.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from finetune.errors import RecordError
from finetune.run.atomic_files import write_atomically
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
class JudgedRow:
    """What a twin says of the orders of a row."""

    methods: dict[str, dict[Operator, Numbers]]
    """Measures of the methods that were not refused."""
    random: dict[Operator, Numbers]
    best: dict[Operator, Number]
    worst: dict[Operator, Number]
    classes: tuple[Count, Count] | None
    """What the original and the twin predict; None in a regression."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantedRow:
    """A row that has planted words."""

    words: Items[Count]
    """Which of them; where there are several, nothing below is known."""
    label: Count | None
    """The predicted class; None where several may be assigned and none is."""
    n_words: Count
    places: Items[Count]
    """Of the word among them."""
    changed: dict[Operator, bool]
    """Whether the row leaves the class when the word is hidden."""
    ranks: dict[str, Count]
    """Where each method puts the word, from 1."""


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
    worst: dict[Operator, Number]
    searched: bool = False
    """Whether a search was part of these two."""
    degraded: dict[Operator, Items[Numbers]] = field(default_factory=dict)
    """What the tested metrics say of each step of a degraded explanation; empty where none was
    degraded."""
    windows: Count = 1
    """In how many it was read."""
    by_sentence: bool = False
    """Whether sentences of it were hidden, not words."""
    judge: JudgedRow | None = None
    """None where there is no judge, and of a text that is read in windows."""
    planted: PlantedRow | None = None
    """None where it has no planted word, and of a text that is read in windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRow(StoredRow):
    """A row that was not."""

    skipped: str


_STORED_ROW: TypeAdapter[MeasuredRow | SkippedRow] = TypeAdapter(MeasuredRow | SkippedRow)


class PartialResults:
    """The results of all processes that share a folder.

    Args:
        folder: Made when the first result is written.
        settings: What results must have been made with: a hash.
        is_complete: Whether a result holds all that such settings make.
    """

    def __init__(
        self,
        folder: Path,
        settings: str,
        is_complete: Callable[[RowResult], bool] = lambda _: True,
    ) -> None:
        self.folder = folder
        self._settings, self._is_complete = settings, is_complete

    def load(self) -> dict[int, RowResult]:
        """What is known of every row, by its number; of a row that stands twice, the first."""
        results: dict[int, RowResult] = {}
        for file in sorted(self.folder.glob("shard-*.jsonl")):
            # Of something else that is called so, nothing is known.
            with suppress(RecordError), open_regular_file(file) as stream:
                for line in stream:
                    row = _parse_row(line)
                    if row.get("settings") == self._settings and self._is_complete(row):
                        results.setdefault(row["row"], row)
        return results

    @contextmanager
    def writer(self, rank: int = 0) -> Iterator[Callable[[int, RowResult], None]]:
        """Have the file of a process to oneself; gives what appends the result of a row.

        Raises:
            SelectionError: where another run has the file, or it can't be written to.
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

        def add(row: int, result: RowResult) -> None:
            line = json.dumps({"row": row, "settings": self._settings, **result}, allow_nan=False)
            try:
                with file.open("a+b") as stream:
                    # A process that was killed may have left half a line.
                    stream.write(b"" if _ends_with_newline(file) else b"\n")
                    stream.write(line.encode() + b"\n")
            except OSError as error:
                raise _unwritable(self.folder, error) from error

        try:
            yield add
        finally:
            lock.release()

    def remove(self, rows: Collection[int]) -> None:
        """Delete the results of these rows, which are part of the record now.

        What was kept with other settings, or of other rows, stays: a run that was stopped needs it
        to go on.  A line that nobody can read goes too.
        """
        for name in {file.stem for file in self.folder.glob("shard-*")}:
            file, lock = (self.folder / f"{name}.{kind}" for kind in ("jsonl", "lock"))
            # Where another run writes, or the system refuses, lines stay that do no harm.
            with suppress(OSError, RecordError), FileLock(lock, timeout=0):
                others = self._other_lines(file, rows) if file.exists() else []
                if others:
                    write_atomically(file, b"".join(others))
                else:
                    file.unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it: it stays
            self.folder.rmdir()

    def _other_lines(self, file: Path, rows: Collection[int]) -> list[bytes]:
        """The lines of a file that hold a result, but not one of these rows with these settings."""
        with open_regular_file(file) as stream:
            results = ((line, _parse_row(line)) for line in stream)
            return [
                line
                for line, result in results
                if result and not (result["settings"] == self._settings and result["row"] in rows)
            ]


def _parse_row(written: bytes) -> RowResult:
    """The result in a line; empty where a killed process left half of it, or it was damaged."""
    try:
        return asdict(_STORED_ROW.validate_json(written, strict=True))
    except ValidationError:
        return {}


def _ends_with_newline(file: Path) -> bool:
    """Whether a file is empty or its last line is whole."""
    with file.open("rb") as stream:
        stream.seek(0, 2)
        if stream.tell() == 0:
            return True
        stream.seek(-1, 2)
        return stream.read() == b"\n"


def _unwritable(folder: Path, error: OSError) -> SelectionError:
    reason = error.strerror or "the system refuses"
    return SelectionError(f"{str(folder)!r} can't be written: {reason}; name another --output.")
