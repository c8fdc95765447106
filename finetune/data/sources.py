"""Where rows come from: a file, a folder of files, or a data set of `datasets`."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict, DownloadConfig

from finetune.data.tables.file_types import FORMATS, is_readable
from finetune.data.tables.messages import listed, shown
from finetune.data.tables.reader import read_table
from finetune.data.tables.table import Columnar
from finetune.errors import DataError
from finetune.run.local_paths import local_path, shown_name

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "validation_matched"),
    "test": ("test",),
}
"""The three roles of a split and the names under which data sets keep them."""

MAX_PATH_CHARS = 200
"""Letters of a path that are told."""

LOCAL_PATH = re.compile(r"(?<![\w/:.])/[^\s'\",;:]+")
"""Paths of this machine in what a library says."""

WHOLE_SPLIT = "all"
"""The split of a data set that has only one, without a role."""


def open_source(source: str) -> dict[str, Columnar]:
    """The splits of a file, folder or Hub data set; a file is one split, by its role or `all`."""
    if not source.strip():
        raise DataError("the name of the data is empty; give a file, a folder or a Hub name")
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    path = local_path(source)
    # Path's own methods raise on a name too long.
    if os.path.isdir(path):  # noqa: PTH112
        try:
            return dict(_open_folder(path))
        except OSError as error:
            raise DataError(f"folder {shown(path.name)} can't be read: {error.strerror}") from error
    if os.path.lexists(path):
        return {role_of(path.stem) or WHOLE_SPLIT: read_table(path)}
    if _looks_like_path(source):
        raise DataError(
            f"no file or folder {shown(source, MAX_PATH_CHARS)}; check the path given as data"
        )
    return _open_hub(source)


def role_of(split: str) -> str | None:
    """Train, validation or test for the name of a split, None for any other."""
    for role, names in SPLIT_NAMES.items():
        if split.lower() in names:
            return role
    return None


def data_files(source: str) -> dict[str, str | None]:
    """The data files of a folder with their roles; none if it isn't a folder of such files."""
    folder = local_path(source)
    if not os.path.isdir(folder) or _is_saved(folder):  # noqa: PTH112
        return {}
    names = sorted(path.name for path in folder.iterdir() if is_readable(path.name))
    return {name: role_of(Path(name).stem) for name in names}


def _open_folder(folder: Path) -> Mapping[str, Columnar]:
    if _is_saved(folder):
        return _from_disk(folder)
    found = data_files(str(folder))
    by_role: dict[str, list[str]] = defaultdict(list)
    for name, role in found.items():
        if role is not None:
            by_role[role].append(name)
    if not by_role:
        raise DataError(
            f"folder {folder.name!r} has no train, validation or test file"
            f"{f', only {listed(found)}' if found else ''}; call a file train.csv (or"
            f" {', '.join(FORMATS[1:])}), give the file itself, or a folder that save_to_disk wrote"
        )
    for role, names in by_role.items():
        if len(names) > 1:
            raise DataError(
                f"folder {folder.name!r} has {len(names)} {role} files, {', '.join(names)};"
                " keep one of them"
            )
    return {role: read_table(folder / name) for role, (name,) in by_role.items()}


def _is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote the folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _from_disk(folder: Path) -> dict[str, Dataset]:
    try:
        return _as_splits(datasets.load_from_disk(str(folder)))
    except Exception as error:
        empty = isinstance(error, LookupError)  # no file of rows is named, or none is
        why = "it is empty or damaged" if empty else _why(error)
        raise DataError(
            f"folder {folder.name!r} can't be read as a data set: {why}; write it again with"
            " save_to_disk"
        ) from error


def _open_hub(source: str) -> dict[str, Dataset]:
    name, _, config = source.partition(":")
    try:
        return _as_splits(
            datasets.load_dataset(
                name, config or None, download_config=DownloadConfig(max_retries=0)
            )
        )
    except Exception as error:
        raise DataError(
            f"no file or folder {shown(source, MAX_PATH_CHARS)}, and the Hub has no such data set"
            f" or can't be reached: {_why(error)}"
        ) from error


def _as_splits(opened: Dataset | DatasetDict) -> dict[str, Dataset]:
    return dict(opened) if isinstance(opened, DatasetDict) else {WHOLE_SPLIT: opened}


def _looks_like_path(source: str) -> bool:
    path = Path(source)
    known = is_readable(path.name) and ":" not in source
    return source.startswith((".", "~")) or path.is_absolute() or len(path.parts) > 2 or known


def _why(error: BaseException) -> str:
    """The innermost cause in one line, without paths of this machine."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return LOCAL_PATH.sub(lambda found: shown_name(found[0]), lines[0]).rstrip(".")[:200]
