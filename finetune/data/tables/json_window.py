"""A list of JSON values that is read in pieces, as much of the file at once as a value takes."""

import re
from typing import BinaryIO

from finetune.data.tables.json_values import NoJsonError, read_value
from finetune.data.tables.lines import BYTE_ORDER_MARK, MAX_LINE_BYTES, decoded
from finetune.errors import DataError

BLANKS = re.compile(r"[ \t\r\n]*")
_CHUNK_BYTES = 2**20


class JsonWindow:
    """The part of a file that is looked at; it begins at the beginning and moves on."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        file.seek(0)
        self._name, self._file = name, file
        self._text, self._place = "", 0
        self._line = 1
        """In which the text begins."""
        self._rest = file.read(len(BYTE_ORDER_MARK)).removeprefix(BYTE_ORDER_MARK)
        """Bytes read that may end within a character."""

    @property
    def line(self) -> int:
        """The line of the next sign."""
        return self._line + self._text.count("\n", 0, self._place)

    def mark(self) -> str:
        """The next sign that is no blank; nothing at the end of the file."""
        while True:
            found = BLANKS.match(self._text, self._place)
            self._place = self._place if found is None else found.end()
            if self._place < len(self._text) or not self._read_more():
                return self._text[self._place : self._place + 1]

    def skip(self, mark: str) -> None:
        """Go beyond the next sign, which is *mark*, and the blanks around it."""
        assert self.mark() == mark
        self._place += 1
        self.mark()

    def value(self, where: str) -> object:
        """The value that begins here; afterwards the window stands behind it.

        Raises:
            NoJsonError: there is none.
            DataError: it is one that is refused, or too long; *where* says what it is.
        """
        while True:
            try:
                value, self._place = read_value(self._text, self._place, where)
            except NoJsonError:
                if len(self._text) - self._place > MAX_LINE_BYTES:
                    raise DataError(
                        f"{where} has more than {MAX_LINE_BYTES // 2**20} million characters;"
                        " write each row as an object of its own"
                    ) from None
                if not self._read_more():
                    raise
            else:
                return value

    def _read_more(self) -> bool:
        """Read on, twice as much where little was not enough; returns whether there was more."""
        self._line += self._text.count("\n", 0, self._place)
        self._text, self._place = self._text[self._place :], 0
        part = self._file.read(max(_CHUNK_BYTES, len(self._text)))
        raw = self._rest + part
        if not raw:
            return False
        cut = _whole_characters(raw) if part else len(raw)
        text, self._rest = raw[:cut], raw[cut:]
        self._text += decoded(self._name, text, self.line_of_end)
        return True

    @property
    def line_of_end(self) -> int:
        """The line in which what was read ends."""
        return self._line + self._text.count("\n")


def _whole_characters(raw: bytes) -> int:
    """How many bytes of *raw* are whole characters, but perhaps for the last one."""
    for back in range(1, min(4, len(raw)) + 1):
        if raw[-back] < 0x80:
            break
        if raw[-back] >= 0xC0:
            return len(raw) - back
    return len(raw)
