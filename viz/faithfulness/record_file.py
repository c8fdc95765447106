"""Records that lie as JSON beside a checkpoint's weights: each with one schema and one command."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Generic, Protocol, TypeVar

from pydantic import AfterValidator

from finetune import errors
from finetune.run.json_files import Schema
from viz.errors import RecordError, as_sentence


class Record(Protocol):
    """What can be written as JSON."""

    def to_json(self) -> str:
        """The content of the file."""


T = TypeVar("T", bound=Record)


class RecordFile(Generic[T]):
    """A kind of file beside the weights.

    Args:
        kind: The class of its content.
        contradictions: What is wrong with a record whose parts each fit the schema.
        format: The number that stands as `format` in each of them.
        command: The command that writes it, which a sentence on a damaged one names.
    """

    def __init__(
        self,
        kind: type[T],
        contradictions: Callable[[T], Iterator[str]],
        *,
        format: int,
        command: str,
    ) -> None:
        self._kind, self._contradictions = kind, contradictions
        self._format, self._command = format, command

    def load(self, path: Path) -> T:
        """Read a file.

        Raises:
            RecordError: where it can't be read, or holds something else.
        """
        try:
            return self._schema.read(path)
        except errors.RecordError as error:
            again = f"write it again with `clsight {self._command}`"
            raise RecordError(f"{as_sentence(error)[:-1]}; {again}.") from error

    def content_of(self, record: T) -> bytes:
        """What to write into a file, so that nothing replaces it that can't be read back.

        Raises:
            RecordError: where `load` would refuse it.
        """
        content = record.to_json().encode()
        try:
            self._schema.parse(content, "The record")
        except errors.RecordError as error:
            raise RecordError(
                f"{as_sentence(error)[:-1]}; that is a fault of CLSight, so nothing was written; "
                "please report it."
            ) from error
        return content

    @cached_property
    def _schema(self) -> Schema[T]:
        return Schema(Annotated[self._kind, AfterValidator(self._check)], format=self._format)

    def _check(self, record: T) -> T:
        for reason in self._contradictions(record):
            raise ValueError(reason)
        return record
