"""A record read back from a file, every part of it checked: the file may come from anybody."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired
from zipfile import BadZipFile, ZipFile

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from finetune import errors
from finetune.checkpoint.windows import Cut, Pooling
from finetune.errors import quoted
from finetune.run.json_files import Schema, open_regular_file, read_bytes
from viz.attention.views import Quadrant
from viz.attention.words import Unit
from viz.errors import RecordError, SelectionError, as_sentence
from viz.export.json_record import FORMAT
from viz.figures.kinds import FIGURE_KINDS, figure_named

MAX_BYTES = 2**29
"""Of one record, unpacked; the largest that is written has about 100 MB."""
MAX_HEADS = 100_000
"""That a record can say were off; no model has so many."""
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


def _known(figure: str) -> str:
    try:
        return figure_named(figure).name
    except SelectionError as error:
        raise ValueError(str(error)) from error


class Citation(TypedDict):
    """What is needed of a citation; all of it is compared."""

    checkpoint: str
    fingerprint: str
    """SHA-256 of the weights of that checkpoint."""
    text_hash: str
    version: str


Range = Annotated[list[int], Field(min_length=2, max_length=2)]
"""The first of some rows or columns, and the one behind the last."""


class RegionValues(TypedDict):
    """Which rows and columns were shown; None for all of them."""

    rows: Range | None
    columns: Range | None


class Request(TypedDict):
    """What was asked for; classes by their index."""

    kind: Annotated[str, AfterValidator(_known)]
    layer: int | None
    head: int | None
    unit: Unit
    special: bool
    quadrant: Quadrant
    region: NotRequired[RegionValues]
    """All of a map where it isn't said."""
    measure: Literal["weights", "contribution"]
    method: str | None
    options: NotRequired[dict[str, Any]]
    """Files saved before methods had options name none."""
    target_class: int | None
    against_class: int | None


class WindowValues(TypedDict):
    """How a document was read in windows."""

    stride: Annotated[int, Field(ge=1)]
    size: Annotated[int, Field(ge=1)]
    pooling: Pooling
    cut: Cut
    index: Annotated[int, Field(ge=0)] | None
    """The window that was shown; None for all of them pooled."""
    text: NotRequired[str]
    """The whole text, of a window."""


def _explained(request: Request) -> Request:
    """Check that there is a class to explain, and a method, where they are needed."""
    is_attribution = FIGURE_KINDS[request["kind"]].shows == "scores"
    if is_attribution and request["method"] is None:
        raise ValueError("there is no 'method'")
    if (is_attribution or request["measure"] == "contribution") and request["target_class"] is None:
        raise ValueError("there is no 'target_class' to explain")
    return request


class Values(TypedDict):
    """All that a record holds, as it is written."""

    citation: Citation
    request: Annotated[Request, AfterValidator(_explained)]
    text: str
    pair: str | None
    tokens: list[Any]
    pooling: NotRequired[int | list[float] | None]
    """Where the class is read from, the first token where it isn't said; compared as it is."""
    without: NotRequired[Annotated[list[tuple[int, int]], Field(max_length=MAX_HEADS)]]
    """The heads that were off, each layer and head; none where it isn't said."""
    windows: NotRequired[WindowValues]
    """Of a document; a text was read at once where it isn't said."""
    prediction: dict[str, Any]
    numbers: dict[str, Any]


_SCHEMA: Schema[Values] = Schema(Values, extra="allow", format=FORMAT, format_entry="clsight")


@dataclass(frozen=True, slots=True)
class SavedRecord:
    """One record as it stands in a file."""

    name: str
    """Of the file, or of its place in a ZIP."""
    values: Mapping[str, Any]

    @property
    def request(self) -> Mapping[str, Any]:
        """What was asked for."""
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
        with open_regular_file(path) as file:
            if file.read(2) == b"PK":
                with ZipFile(file) as packed:
                    yield from _unpacked(path.name, packed)
                return
        yield parse(path.name, read_bytes(path, most=MAX_BYTES))
    except errors.RecordError as error:
        raise RecordError(f"{as_sentence(error)[:-1]}; name a JSON or ZIP of CLSight.") from error
    except DAMAGED as error:
        raise RecordError(f"{quoted(path.name)} is a damaged ZIP; save it again.") from error


def _unpacked(name: str, packed: ZipFile) -> Iterator[SavedRecord]:
    records = [info for info in packed.infolist() if info.filename.endswith(".json")]
    if not records:
        raise RecordError(f"{quoted(name)} holds no JSON, so there is nothing to replay.")
    for info in records:
        content = packed.read(info) if info.file_size <= MAX_BYTES else b""
        if max(info.file_size, len(content)) > MAX_BYTES:
            raise RecordError(
                f"{quoted(info.filename)} is too large; a record has {MAX_BYTES:,} bytes at most."
            )
        yield parse(info.filename, content)


def parse(name: str, content: bytes) -> SavedRecord:
    """A record from its JSON.

    Raises:
        RecordError: where it is not JSON, not a record of ours, or lacks a part.
    """
    try:
        values: dict[str, Any] = dict(_SCHEMA.parse(content, quoted(name)))
    except errors.RecordError as error:
        raise RecordError(f"{as_sentence(error)[:-1]}; export it again.") from error
    values["request"].setdefault("options", {})
    return SavedRecord(name, values)


def shortened(value: object) -> str:
    """A value as it is written, no longer than a line can hold."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]} …"
