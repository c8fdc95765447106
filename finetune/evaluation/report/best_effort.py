"""What a finished training can do without, made in a way that never costs it."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def best_effort(what: str, make: Callable[[], T], say: Callable[[str], None]) -> T | None:
    """What *make* gives; where it fails, *say* hears that *what* is missing, and why.

    Whatever it is, the weights were trained and measured: an error here, of memory, of a font or of
    the disk, is no reason to lose them.
    """
    try:
        return make()
    except Exception as error:
        say(f"Left out: {what} ({_reason(error)}); the checkpoint is complete without it.")
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "memory is full"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    message = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
