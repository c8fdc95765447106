"""How a run ends that does not finish: one sentence that says why, and what is left of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError

from finetune.errors import FinetuneError, SnapshotError
from finetune.run import processes
from finetune.run.event_schema import FAILED, STOPPED
from finetune.run.events import Events
from finetune.run.output_folder import describe_remains, is_resumable, working_path

EXPECTED_ERRORS = (
    OSError,
    SafetensorError,
    MemoryError,
    torch.OutOfMemoryError,
    FloatingPointError,  # the loss isn't finite
    OverflowError,  # the weights don't fit into the number format of the file
)
"""What may end a run half-way through no fault of the program."""


@contextmanager
def report_failures(
    output: Path, describe: Callable[[Path], str] = describe_remains
) -> Iterator[None]:
    """Whatever stops a run as one sentence that says what is left of it, which *describe* words.

    Its events say why it stopped, and nothing of this machine.
    """
    try:
        yield
    except KeyboardInterrupt:
        _add_event(output, STOPPED, "stopped on request")
        raise KeyboardInterrupt(f"stopped on request; {describe(output)}") from None
    except Exception as error:
        if isinstance(error, FinetuneError) and not isinstance(error, SnapshotError):
            _add_event(output, FAILED, str(error))
            raise
        if not (isinstance(error, (SnapshotError, *EXPECTED_ERRORS)) or _is_full(error)):
            raise
        _add_event(output, FAILED, _reason(error))
        raise FinetuneError(f"{_reason(error)}; {describe(output)}") from error


def _add_event(output: Path, kind: str, sentence: str) -> None:
    work = working_path(output)
    if processes.is_first() and is_resumable(work):
        with suppress(OSError):
            Events(work).add(kind, sentence=sentence)


def _reason(error: Exception) -> str:
    """One of STOPS in words, without paths of this machine."""
    if isinstance(error, torch.OutOfMemoryError):
        return (
            "the GPU's memory is full; start over using --overwrite with"
            " --gradient-checkpointing or a lower --batch-size or --max-length"
        )
    if isinstance(error, MemoryError) or _is_full(error):
        return "memory is full; close other programs, or use a machine with more"
    if isinstance(error, OSError):
        return f"the run stopped at a file or folder: {error.strerror or type(error).__name__}"
    if isinstance(error, SafetensorError):
        return "the weights can't be written; free up disk space"
    return str(error)


def _is_full(error: Exception) -> bool:
    """Whether torch found no more memory of the machine, which it says by a RuntimeError."""
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
