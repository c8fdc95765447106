"""The output folder: filled out of sight, and put in its place when it is whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import OutputError

EPOCHS = "epochs"
"""Folder inside the working folder with the weights of finished epochs."""


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse a place that holds something else, before hours are spent on it."""
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output.name!r} is a file; give a folder as --output")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise OutputError(
            f"folder {output.name!r} isn't empty; give another --output, or --overwrite to replace"
        )


@contextmanager
def working_folder(output: Path) -> Iterator[Path]:
    """A folder beside *output* that takes its place at the end.

    A run that fails leaves nothing, or this folder where it has weights of finished epochs.
    """
    output = output.absolute()
    work = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise OutputError(
            f"no folder can be made beside {output.name!r}: {error.strerror}"
        ) from error
    try:
        yield work
        shutil.rmtree(work / EPOCHS, ignore_errors=True)
        _replace(output, work)
    except BaseException:
        if not any((work / EPOCHS).glob("checkpoint-*")):
            shutil.rmtree(work, ignore_errors=True)
        raise


def kept_epochs(output: Path) -> str:
    """What a stopped run leaves, as the end of a sentence."""
    output = output.absolute()
    work = output.with_name(f".{output.name}.{os.getpid()}.partial")
    kept = f", but finished epochs are kept in {work.name}/{EPOCHS}" if work.exists() else ""
    return f"{output.name!r} was not written{kept}"


def _replace(output: Path, work: Path) -> None:
    if not output.exists():
        work.rename(output)
        return
    old = work.with_suffix(".old")
    output.rename(old)
    work.rename(output)
    shutil.rmtree(old)
