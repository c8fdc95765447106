"""The lines of a file in UTF-8, counted, as they stand there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from finetune.data.tables.messages import shown
from finetune.errors import DataError

LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line and its end, of any system."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 64 * 2**20
"""The longest line, and the longest row of a list: what is longer is not a row."""
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Position:
    """Where a line begins, so that reading can begin there."""

    offset: int = 0
    """Bytes before it."""
    number: int = 0
    """Lines before it."""
    carriage_returns: bool | None = None
    """Whether lines end in lone carriage returns; None as long as no line told."""


class Lines:
    """An iterator over lines with their ends; it knows how many it gave, and which since a mark.

    It begins at the position *start* of the file.
    """

    def __init__(self, name: str, file: BinaryIO, start: Position | None = None) -> None:
        start = start or Position()
        self.name = name
        self.number = start.number
        """Lines given so far: the number of the last one."""
        self.since_mark: list[str] = []
        self._offset, self._carriage_returns = start.offset, start.carriage_returns
        file.seek(start.offset)
        self._lines = self._decoded_lines(file)

    @property
    def position(self) -> Position:
        """Where the next line begins."""
        return Position(self._offset, self.number, self._carriage_returns)

    def __iter__(self) -> "Lines":
        """The lines themselves."""
        return self

    def __next__(self) -> str:
        """The next line.

        Raises:
            DataError: where it is not UTF-8, has a NUL, or is too long.
        """
        line = next(self._lines)
        self.number += 1
        self.since_mark.append(line)
        return line

    def mark(self) -> None:
        """Forget which lines were given."""
        self.since_mark = []

    def _decoded_lines(self, file: BinaryIO) -> Iterator[str]:
        for raw in self._raw_lines(file):
            line = decoded(self.name, raw, self.number + 1)
            if self._offset == 0:
                line = line.removeprefix("\ufeff")
            self._offset += len(raw)
            if line:
                yield line

    def _raw_lines(self, file: BinaryIO) -> Iterator[bytes]:
        # Only where the first line ends in a lone carriage return do all others; elsewhere one
        # that is not in a quoted cell is a fault.
        rest = b""
        while not self._carriage_returns and (raw := file.readline(MAX_LINE_BYTES)):
            if self._carriage_returns is None and raw.removeprefix(BYTE_ORDER_MARK).strip():
                alone = b"\r" in raw.removesuffix(b"\n")[:-1] or raw.endswith(b"\r")
                self._carriage_returns = alone
            if self._carriage_returns:
                rest = raw
            else:
                if len(raw) >= MAX_LINE_BYTES:
                    require_line_length(self.name, raw, self.number + 1)
                yield raw
        if self._carriage_returns:
            while part := file.read(_CHUNK_BYTES):
                *whole, rest = LINE.findall(rest + part)
                yield from whole
                require_line_length(self.name, rest, self.number + 1)
            yield from LINE.findall(rest)


def require_line_length(name: str, raw: bytes, number: int) -> None:
    """Refuse a line, of which *raw* was read, that goes on beyond `MAX_LINE_BYTES`."""
    if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
        raise DataError(
            f"line {number} of {shown(name)} has more than {MAX_LINE_BYTES // 2**20} MB; write each"
            " row in a line of its own"
        )


def decoded(name: str, raw: bytes, number: int = 1) -> str:
    """Text in UTF-8 that begins in the line *number* of the file *name*.

    Raises:
        DataError: where it is not UTF-8, or has a NUL.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + raw.count(b"\n", 0, error.start)
        raise DataError(
            f"{shown(name)} is not UTF-8; save it as UTF-8 (see line {line})"
        ) from error
    if "\0" in text:
        line = number + text.count("\n", 0, text.index("\0"))
        raise DataError(f"line {line} of {shown(name)} has a NUL character; remove it")
    return text
