"""What a run that goes on keeps on disk: each snapshot appears whole, and can prove that it is."""

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError

from finetune.checkpoint.run_files import SNAPSHOT_PREFIX, partial_name
from finetune.errors import RecordError, SnapshotError, quoted
from finetune.run.atomic_files import remove_atomically, sync, sync_all
from finetune.run.json_files import Count, Schema

MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDigest:
    """What a file is."""

    bytes: Count
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The files of a snapshot."""

    version: Literal[1]
    files: dict[str, FileDigest]


@cache
def _schema() -> Schema[Manifest]:
    return Schema(Manifest)


class Snapshots:
    """The folders `checkpoint-STEP` in *folder*.

    One that is being written has another name until all its files are on the disk, beside a
    manifest of their sizes and SHA-256 sums; the change of name is what makes it a snapshot.

    Args:
        folder: Where they lie.
        prefix: What their names begin with.
        digits: How many digits the step in a name has at least.
    """

    def __init__(self, folder: Path, *, prefix: str = SNAPSHOT_PREFIX, digits: int = 1) -> None:
        self.folder, self.prefix, self.digits = folder, prefix, digits

    def name(self, step: int) -> str:
        """The name of the folder of a snapshot."""
        return f"{self.prefix}{step:0{self.digits}d}"

    def path(self, step: int) -> Path:
        """The folder of the snapshot after *step* steps, whether there is one or not."""
        return self.folder / self.name(step)

    def partial_path(self, step: int) -> Path:
        """Where it is while it is being written."""
        return self.folder / partial_name(self.name(step))

    def steps(self) -> list[int]:
        """The steps that have one, ascending."""
        names = (
            path.name.removeprefix(self.prefix) for path in self.folder.glob(f"{self.prefix}*")
        )
        return sorted(int(name) for name in names if name.isdecimal())

    @contextmanager
    def writing(self, step: int) -> Iterator[Path]:
        """A folder to write into, which becomes the snapshot where nothing went wrong.

        Raises:
            SnapshotError: The disk is full, or the folder can't be written.
        """
        place, half = self.path(step), self.partial_path(step)
        try:
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir(parents=True)
            yield half
            write_manifest(half)
            remove_atomically(place)
            half.rename(place)
            sync(self.folder)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(half, ignore_errors=True)
            raise SnapshotError(
                f"no snapshot of step {step} could be written ({_reason(error)})"
            ) from error

    def newest(
        self, say: Callable[[str], None], needs: Callable[[Path], Collection[int]] = lambda _: ()
    ) -> int | None:
        """The last step whose snapshot is whole; *say* hears what is wrong with others.

        So have to be those of the steps without which it is of no use: *needs* tells them.
        """
        for step in reversed(self.steps()):
            try:
                verify(self.path(step))
                for other in needs(self.path(step)):
                    verify(self.path(other))
            except SnapshotError as error:
                say(f"{error}; it is skipped.")
            else:
                return step
        return None

    def keep(self, steps: set[int]) -> None:
        """Remove all others, and what was left half written."""
        for step in set(self.steps()) - steps:
            remove_atomically(self.path(step))
        for rest in self.folder.glob(f".{self.prefix}*"):
            shutil.rmtree(rest, ignore_errors=True)


def write_manifest(folder: Path) -> None:
    """Bring all files of *folder* to the disk and write the manifest of what they are."""
    sums = {path.relative_to(folder).as_posix(): asdict(_digest(path)) for path in _files(folder)}
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"version": 1, "files": sums}, indent=1), encoding="utf-8")
    sync_all(folder)


def verify(folder: Path) -> None:
    """Compare *folder* with its manifest.

    Raises:
        SnapshotError: A file is missing or is not what was written.
    """
    try:
        files = _schema().read(folder / MANIFEST, f"{MANIFEST} in {folder.name}").files
        there = {path.relative_to(folder).as_posix() for path in _files(folder)} - {MANIFEST}
        for name in sorted(there - set(files)):
            raise SnapshotError(f"{quoted(name)} in {folder.name} was not written with it")
        for name, described in files.items():
            # So that a name leads nowhere else, and to nothing that has no end.
            if name not in there or _digest(folder / name) != described:
                raise SnapshotError(f"{quoted(name)} in {folder.name} is not what was written")
    except RecordError as error:
        raise SnapshotError(str(error)) from error
    except OSError as error:
        name = Path(error.filename or MANIFEST).name
        raise SnapshotError(f"{name} in {folder.name} can't be read: {error.strerror}") from error


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _digest(path: Path) -> FileDigest:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return FileDigest(bytes=path.stat().st_size, sha256=digest.hexdigest())


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "free up disk space, and check that its folder is writable"
