"""The lines of a file in UTF-8, counted, as they stand there."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from finetune.data.tables.messages import shown
from finetune.errors import DataError

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line and its end, of any system."""


class Lines:
    """An iterator over lines with their ends; it knows how many it gave, and which since a mark."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self.number = 0
        """Lines given so far: the number of the last one."""
        self.since_mark: list[str] = []
        self._lines = self._split(file)

    def __iter__(self) -> "Lines":
        """The lines themselves."""
        return self

    def __next__(self) -> str:
        """The next line.

        Raises:
            DataError: where it is not UTF-8, or has a NUL.
        """
        line = next(self._lines)
        self.number += 1
        self.since_mark.append(line)
        return line

    def mark(self) -> None:
        """Forget which lines were given."""
        self.since_mark = []

    def _split(self, file: BinaryIO) -> Iterator[str]:
        # Only where the first line ends in a lone carriage return do all others; elsewhere one
        # that is not in a quoted cell is a fault.
        alone: bool | None = None
        for number, raw in enumerate(file):
            line = decoded(self.name, raw, self.number + 1)
            if number == 0:
                line = line.removeprefix("\ufeff")
            if alone is None and line.strip():
                alone = "\r" in line.removesuffix("\n")[:-1] or line.endswith("\r")
            if alone:
                yield from LINE.findall(line)
            elif line:
                yield line


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
