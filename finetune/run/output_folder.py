"""The output folder: filled out of sight, and put in its place when it is whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from finetune.checkpoint.run_files import (
    CHECKPOINTS,
    LOCK,
    RECORD,
    SEEDS,
    SETTINGS,
    SNAPSHOT_PREFIX,
    partial_name,
    tuning_name,
)
from finetune.errors import OutputError
from finetune.run.atomic_files import remove, remove_partial_files, remove_quietly, sync_all
from finetune.run.config import TrainConfig
from finetune.run.local_paths import local_path
from finetune.run.resume_command import resume_command
from finetune.run.saved_settings import load_settings

LOCK_TIMEOUT_SECONDS = 0.5
"""Seconds that the lock is waited for."""


def check_output(output: Path, *, inputs: Iterable[str], overwrite: bool) -> None:
    """Refuse a place that holds something else, before hours are spent on it.

    *inputs* are what the run reads; those that are no path on this machine are passed over.
    """
    output = resolve_output(output)
    if Path.cwd().is_relative_to(output):
        raise OutputError("--output is the current folder or one above it; name a new folder")
    for source in inputs:
        path = local_path(source)
        for place in _replaced(output) if path.exists() else ():
            if path.resolve().is_relative_to(place):
                raise OutputError(
                    f"{place.name!r} is or holds {path.name!r}, which the run reads, and --output"
                    f" {output.name!r} replaces it; give another --output"
                )
    try:
        _check_content(output, overwrite=overwrite)
    except OSError as error:
        raise OutputError(
            f"{output.name!r} can't be read ({error.strerror}); give another --output"
        ) from error


@contextmanager
def working_folder(output: Path, *, resume: bool = False) -> Iterator[Path]:
    """A folder beside *output* that takes its place at the end; no other process may use it.

    A run that fails leaves nothing, or this folder where it has snapshots, which the next run of
    the same output finds there if it is to *resume*. A run that ends well but can't be put in its
    place stays in this folder.
    """
    output = resolve_output(output)
    work = working_path(output)
    with locked_folder(work):
        if not resume:
            empty_folder(work)
        try:
            yield work
        except BaseException:
            if not is_resumable(work):
                remove_quietly(work)
            raise
        _publish(work, output)


@contextmanager
def locked_folder(work: Path) -> Iterator[None]:
    """The folder in which a run or a search works, made if need be, for this process alone.

    Raises:
        OutputError: Another process is at work in it, or it can't be made.
    """
    if work.is_symlink():
        raise OutputError(
            f"{work.name} beside the output is a link; remove it, or give another --output"
        )
    try:
        work.mkdir(parents=True, exist_ok=True)
        # Whoever only looks whether the run goes on holds the lock for a moment.
        lock = FileLock(work / LOCK, timeout=LOCK_TIMEOUT_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"another process is using this output in {work.name}; wait for it, stop it, or give"
            " another --output"
        ) from error
    except OSError as error:
        raise OutputError(
            f"{work.name} can't be made beside the output: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        lock.release()


def empty_folder(work: Path) -> None:
    """Remove all that earlier work left, but for the lock that is held."""
    for path in work.iterdir():
        if path.name != LOCK:
            remove(path)


def forget_folder(work: Path) -> None:
    """Remove what a stopped run or search left in *work*.

    Raises:
        OutputError: Another process is at work in it.
    """
    if work.is_dir():
        with locked_folder(work):
            remove_quietly(work)


def working_path(output: Path) -> Path:
    """The folder in which a run of *output* works."""
    output = resolve_output(output)
    return output.with_name(partial_name(output.name))


def is_resumable(work: Path) -> bool:
    """Whether a stopped run left something in *work* to go on from, or the whole checkpoint."""
    snapshot = f"{CHECKPOINTS}/**/{SNAPSHOT_PREFIX}*"
    kept = (RECORD, snapshot, f"{SEEDS}/*/{snapshot}", f"{SEEDS}/*/{RECORD}")
    return (work / SETTINGS).is_file() and any(any(work.glob(pattern)) for pattern in kept)


def require_no_stopped_run(output: Path) -> None:
    """Refuse to start over where that would lose what an earlier run left."""
    work = working_path(output)
    if not is_resumable(work):
        return
    with locked_folder(work):
        raise OutputError(
            f"a run of {resolve_output(output).name!r} was stopped and is kept; continue it with"
            " --resume, or start over with --overwrite"
        )


def stopped_run(output: Path) -> TrainConfig:
    """The settings with which the stopped run of *output* goes on.

    Raises:
        OutputError: There is no such run.
    """
    work = working_path(output)
    if not (work / SETTINGS).is_file():
        there = "it is finished" if resolve_output(output).is_dir() else "nothing of it is there"
        raise OutputError(
            f"no run of {resolve_output(output).name!r} was stopped: {there}; give the --output of"
            " a run that was"
        )
    return replace(load_settings(work).config, output=output, resume=True, overwrite=False)


def describe_remains(output: Path) -> str:
    """What a stopped run leaves, and how to go on, as the end of a sentence."""
    name = resolve_output(output).name
    if not is_resumable(working_path(output)):
        return f"{name!r} was not written"
    try:
        processes = load_settings(working_path(output)).processes
    except OutputError:
        processes = 1
    command = resume_command(output, processes)
    return f"{name!r} was not written, but the run is kept: continue it with {command}"


def resolve_output(output: Path) -> Path:
    """Where *output* lies: `~` expanded, links followed even where their target isn't there."""
    try:
        place = output.expanduser().resolve()
        if not place.name:
            raise OutputError(f"--output {str(output)!r} is the whole disk; name a folder on it")
        return place
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"--output {output.name!r} can't be found (an unknown user after ~, or a link to"
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


def _replaced(output: Path) -> tuple[Path, ...]:
    """All that a run of *output* may empty, move or remove, beside the output itself."""
    work = working_path(output)
    return output, work, _old_path(work), output.with_name(tuning_name(output.name))


def _old_path(work: Path) -> Path:
    """Where what is replaced lies until the new one is in its place."""
    return work.with_suffix(".old")


def _publish(work: Path, output: Path) -> None:
    """Move *work* to its place, and only then take out what a run that goes on would need."""
    try:
        remove_partial_files(work)
        sync_all(work)
        _replace(output, work)
    except OSError as error:
        raise OutputError(
            f"{output.name!r} can't be written ({error.strerror}); the finished checkpoint is kept"
            f" in {work.name} beside it; clsight resume tries again"
        ) from error
    for name in (CHECKPOINTS, SEEDS):
        remove_quietly(output / name)
    for name in (SETTINGS, LOCK):
        (output / name).unlink(missing_ok=True)


def _replace(output: Path, work: Path) -> None:
    """Move *work* to *output*; what was there comes back if that fails."""
    old = _old_path(work)
    if output.exists():
        remove_quietly(old)
        output.rename(old)
    try:
        work.rename(output)
    except OSError:
        if old.exists():
            old.rename(output)
        raise
    remove_quietly(old)
