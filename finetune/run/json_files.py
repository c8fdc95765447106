"""Records in files of JSON: each is read whole, checked against its one schema, or refused.

A file may come from anybody, so that it is read only where it is a regular file of a bounded size,
and nothing in it is taken for what it isn't: numbers are finite, texts are Unicode, no name stands
twice in an object, and nesting ends somewhere.
"""

import codecs
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from finetune.errors import RecordError, quoted

MAX_BYTES = 64 * 2**20
"""The largest record that is read."""
MAX_ENTRIES = 100_000
"""Entries of an object; a class has one."""
ROUNDING = 1e-9
"""How far the last digits of a mean may lie outside of its range."""

T = TypeVar("T")

Items = Annotated[tuple[T, ...], Field(fail_fast=True)]
"""Values in their order; the first that is wrong ends the reading."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e150, le=1e150)]
"""A number whose square is one."""
Amount = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=-ROUNDING, le=1 + ROUNDING)]
Correlation = Annotated[Number, Field(ge=-1 - ROUNDING, le=1 + ROUNDING)]


class Schema(Generic[T]):
    """What a record must be, read strictly: a text is not a number, nor a number a truth value.

    Args:
        kind: A class, or a type that says more.
        extra: What becomes of an entry that the schema doesn't have.
        format: The number of the format that stands in every file of its kind, if one does.
        format_entry: Where it stands.
    """

    def __init__(
        self,
        kind: Any,
        *,
        extra: Literal["ignore", "forbid", "allow"] = "ignore",
        format: int | None = None,
        format_entry: str = "format",
    ) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._extra, self._format, self._format_entry = extra, format, format_entry

    def read(self, path: Path, name: str = "", most: int = MAX_BYTES) -> T:
        """The record in a file, which a sentence calls by its own name or by *name*.

        Raises:
            RecordError: It can't be read, or is not one; its cause is the OSError where the system
                refused.
        """
        name = name or quoted(path.name)
        return self.parse(read_bytes(path, name, most), name)

    def parse(self, content: bytes, name: str) -> T:
        """The record in the content of a file that a sentence calls *name*.

        Raises:
            RecordError: It is not one.
        """
        content = content.removeprefix(codecs.BOM_UTF8)
        try:
            # Before the schema, which goes on after what is wrong, to tell of all of it.
            values = json.loads(content.decode(), object_pairs_hook=_unique_names)
            self._check_format(values, name)
            return self._adapter.validate_json(content, strict=True, extra=self._extra)
        except ValidationError as error:
            raise RecordError(f"{name} is damaged: {_first(error)}") from error
        except RecursionError as error:
            raise RecordError(f"{name} is damaged: it is nested too deeply") from error
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise RecordError(f"{name} is damaged: it isn't JSON ({error})") from error
        except ValueError as error:
            raise RecordError(f"{name} is damaged: {error}") from error

    def _check_format(self, values: Any, name: str) -> None:
        if self._format is None or not isinstance(values, dict):
            return
        if self._format_entry not in values:
            raise RecordError(f"{name} is damaged: it has no {self._format_entry}")
        format_number = values[self._format_entry]
        if type(format_number) is not int or format_number != self._format:
            raise RecordError(
                f"{name} has format {quoted(format_number)}, and this version of CLSight reads"
                f" {self._format}"
            )


def read_bytes(path: Path, name: str = "", most: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most *most* bytes, which a sentence may call *name*.

    Raises:
        RecordError: It is not there, is something else, is larger, or the system refuses.
    """
    name = name or quoted(path.name)
    with open_regular_file(path, name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise RecordError(f"{name} is too large; a record has {most:,} bytes at most")
    return content


@contextmanager
def open_regular_file(path: Path, name: str = "") -> Iterator[BinaryIO]:
    """A regular file to read, which a sentence may call *name*; what the system refuses is said.

    Raises:
        RecordError: It is not there, is something else, or the system refuses.
    """
    name = name or quoted(path.name)
    try:
        # A pipe that nobody writes into would be waited for.
        flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        number = os.open(path, os.O_RDONLY | flags)
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise RecordError(f"{name} can't be read: it is not a regular file")
            yield file
    except (OSError, ValueError) as error:
        raise RecordError(f"{name} can't be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or "the system refuses"


def _first(error: ValidationError) -> str:
    """What is wrong first, and where."""
    details = error.errors(include_url=False)[0]
    if details["type"] == "json_invalid":
        return f"it isn't JSON ({details['ctx']['error']})"
    what = str(details.get("ctx", {}).get("error", "")) or _lowered(details["msg"])
    place = ".".join(str(part) for part in details["loc"] if not _is_of_schema(part))
    return f"in {quoted(place)}, {what}" if place else what


def _is_of_schema(part: int | str) -> bool:
    """Whether a part of a place names a step of the check, not an entry of the file."""
    return isinstance(part, str) and ("[" in part or part.startswith("?"))


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a name that comes twice, readers would take the one or the other."""
    if len(pairs) > MAX_ENTRIES:
        raise ValueError(f"an object has {len(pairs):,} entries; {MAX_ENTRIES:,} are allowed")
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{quoted(twice)} occurs twice in one object")
    return values
