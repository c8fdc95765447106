"""A record read back from a file, every part of it checked: the file may come from anybody."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from viz.attention.views import QUADRANTS
from viz.attribution import METHODS
from viz.errors import RecordError
from viz.export.json_record import FORMAT
from viz.export.numbers import Values
from viz.figures.kinds import FIGURE_KINDS

MOST_BYTES = 2**29
"""Of one record, unpacked; the largest that is written has about 100 MB."""

PARTS: Mapping[str, tuple[type, ...]] = {
    "citation": (dict,),
    "request": (dict,),
    "text": (str,),
    "pair": (str, type(None)),
    "tokens": (list,),
    "prediction": (dict,),
    "numbers": (dict,),
}
NUMBER_OR_NONE = (int, type(None))
REQUESTED: Mapping[str, tuple[object, ...]] = {
    "kind": tuple(FIGURE_KINDS),
    "unit": ("word", "wordpiece"),
    "special": (True, False),
    "quadrant": QUADRANTS,
    "measure": ("weights", "contribution"),
}
"""What the parts of a request can be, beside its method."""


DAMAGED = (
    BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
)
"""What a ZIP raises whose content is not what its table says."""


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """One record as it stands in a file."""

    name: str
    """Of the file, or of its place in a ZIP."""
    values: Mapping[str, Any]

    @property
    def request(self) -> Mapping[str, Any]:
        """What was asked for, checked."""
        request: Mapping[str, Any] = self.values["request"]
        return request

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint that made it."""
        return str(self.values["citation"]["checkpoint"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 of that checkpoint's weights."""
        return str(self.values["citation"]["fingerprint"])


def read_records(path: Path) -> Iterator[SavedRecord]:
    """Every record of a JSON file, or of a ZIP that CLSight wrote, one at a time.

    Raises:
        RecordError: one sentence that says what is wrong with the file.
    """
    try:
        with path.open("rb") as file:
            # A device or a pipe has no size beforehand and need not end: no more is read than may.
            if not file.peek(2).startswith(b"PK"):
                size, read = path.stat().st_size, partial(file.read, MOST_BYTES + 1)
                yield parse(path.name, _limited(path.name, size, read))
                return
        with ZipFile(path) as packed:
            yield from _unpacked(path.name, packed)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise RecordError(f"{str(path)!r} can't be read: {reason}; name a JSON or ZIP.") from error
    except DAMAGED as error:
        raise RecordError(f"{path.name!r} is a damaged ZIP; save it again.") from error


def _unpacked(name: str, packed: ZipFile) -> Iterator[SavedRecord]:
    records = [info for info in packed.infolist() if info.filename.endswith(".json")]
    if not records:
        raise RecordError(f"{name!r} holds no JSON, so there is nothing to replay.")
    for info in records:
        content = _limited(info.filename, info.file_size, lambda info=info: packed.read(info))
        yield parse(info.filename, content)


def _limited(name: str, size: int, read: Any) -> bytes:
    content: bytes = b"" if size > MOST_BYTES else read()
    if max(size, len(content)) > MOST_BYTES:
        raise RecordError(f"{name!r} is too large; a record has {MOST_BYTES:,} bytes at most.")
    return content


def parse(name: str, content: bytes) -> SavedRecord:
    """A record from its JSON.

    Raises:
        RecordError: where it is no JSON, no record of ours, or lacks a part.
    """
    try:
        values = json.loads(
            content.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_named_once
        )
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{name!r} is not JSON: {_first_line(error)}.") from error
    if not isinstance(values, dict) or "clsight" not in values:
        raise RecordError(f"{name!r} is JSON, but none that CLSight saved; export it again.")
    if values["clsight"] != FORMAT or isinstance(values["clsight"], bool):
        raise RecordError(
            f"{name!r} has format {shortened(values['clsight'])}; "
            f"this CLSight replays format {FORMAT}."
        )
    for part, kinds in PARTS.items():
        _check(name, part, values, kinds)
    # Files saved before methods had options name none.
    values["request"].setdefault("options", {})
    _check_request(name, values["request"])
    for part in ("checkpoint", "fingerprint", "text_hash", "version"):
        _check(name, part, values["citation"], (str,))
    return SavedRecord(name, values)


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _named_once(pairs: list[tuple[str, Any]]) -> Values:
    """An object of JSON; of a name that comes twice, readers would take the one or the other."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shortened(twice)} occurs twice in one object")
    return values


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _check(name: str, part: str, values: Mapping[str, Any], kinds: tuple[type, ...]) -> None:
    if part not in values:
        raise RecordError(f"{name!r} lacks its {part!r}; export it again.")
    value = values[part]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise RecordError(f"The {part!r} of {name!r} is {shortened(value)}; export it again.")


def _check_request(name: str, request: Mapping[str, Any]) -> None:
    for part in ("layer", "head", "target_class", "against_class"):
        _check(name, part, request, NUMBER_OR_NONE)
    _check(name, "options", request, (dict,))
    for part, allowed in {**REQUESTED, "method": (*METHODS, None)}.items():
        if part not in request:
            raise RecordError(f"{name!r} lacks its {part!r}; export it again.")
        value = request[part]
        if not any(type(value) is type(one) and value == one for one in allowed):
            known = ", ".join(str(one) for one in allowed if one is not None)
            raise RecordError(f"The {part!r} of {name!r} is {shortened(value)}; known are {known}.")
    explains = request["kind"] == "attribution" or request["measure"] == "contribution"
    if explains and request["target_class"] is None:
        raise RecordError(f"{name!r} names no 'target_class' to explain; export it again.")
    if request["kind"] == "attribution" and request["method"] is None:
        raise RecordError(f"{name!r} names no 'method'; export it again.")


def shortened(value: object) -> str:
    """A value as it is written, no longer than a line can hold."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]} …"
