"""The output folder: filled out of sight, and put in its place when it is whole."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.config import local_path
from finetune.errors import OutputError

EPOCHS = "epochs"
"""Folder inside the working folder with the weights of finished epochs."""


def check_output(output: Path, *, inputs: Iterable[str], overwrite: bool) -> None:
    """Refuse a place that holds something else, before hours are spent on it.

    *inputs* are what the run reads; those that are no path on this machine are passed over.
    """
    output = _resolved(output)
    if Path.cwd().is_relative_to(output):
        raise OutputError("--output is the current folder or one above it; name a new folder")
    for source in inputs:
        path = local_path(source)
        if path.exists() and path.resolve().is_relative_to(output):
            raise OutputError(
                f"--output {output.name!r} is or holds {path.name!r}, which the run reads;"
                " give another --output"
            )
    try:
        _check_content(output, overwrite=overwrite)
    except OSError as error:
        raise OutputError(
            f"{output.name!r} can't be looked into ({error.strerror}); give another --output"
        ) from error


@contextmanager
def working_folder(output: Path) -> Iterator[Path]:
    """A folder beside *output* that takes its place at the end.

    A run that fails leaves nothing, or this folder where it has weights of finished epochs. A run
    that ends well but can't be put in its place stays in this folder.
    """
    output = _resolved(output)
    work = _work(output)
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise OutputError(
            f"no folder can be made beside {output.name!r}: {error.strerror}"
        ) from error
    try:
        yield work
    except BaseException:
        if not _finished_epochs(work):
            shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work / EPOCHS, ignore_errors=True)
    try:
        _replace(output, work)
    except OSError as error:
        raise OutputError(
            f"{output.name!r} can't be written ({error.strerror}); the finished checkpoint is kept"
            f" in {work.name} beside it"
        ) from error


def kept_epochs(output: Path) -> str:
    """What a stopped run leaves, as the end of a sentence."""
    output = _resolved(output)
    work = _work(output)
    kept = f", but finished epochs are kept in {work.name}/{EPOCHS}"
    return f"{output.name!r} was not written{kept if _finished_epochs(work) else ''}"


def _resolved(output: Path) -> Path:
    """Where *output* lies: `~` expanded, links followed even where their target isn't there."""
    try:
        return output.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"--output {output.name!r} leads nowhere (an unknown user after ~, or a link to"
            " itself); give another --output"
        ) from error


def _check_content(output: Path, *, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output.name!r} is a file; give a folder as --output")
    if output.is_mount():
        raise OutputError(f"{output.name!r} is a mount point; give a folder inside it as --output")
    if output.is_dir() and any(output.iterdir()) and not overwrite:
        raise OutputError(
            f"folder {output.name!r} isn't empty; give another --output, or --overwrite to replace"
        )


def _work(output: Path) -> Path:
    return output.with_name(f".{output.name}.{os.getpid()}.partial")


def _finished_epochs(work: Path) -> bool:
    return any((work / EPOCHS).glob("checkpoint-*/model.safetensors"))


def _replace(output: Path, work: Path) -> None:
    """Move *work* to *output*; what was there comes back if that fails."""
    if not output.exists():
        work.rename(output)
        return
    old = work.with_suffix(".old")
    output.rename(old)
    try:
        work.rename(output)
    except OSError:
        old.rename(output)
        raise
    shutil.rmtree(old, ignore_errors=True)
