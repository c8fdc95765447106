"""Where rows come from: a file, a folder or the Hub, opened with `datasets`."""

import csv
import logging
import tempfile
from collections import defaultdict
from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict, DownloadConfig

from finetune.config import local_path, shown_name
from finetune.errors import DataError

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".parquet": "parquet",
}
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "validation_matched"),
    "test": ("test",),
}
"""The three roles of a split and the names under which data sets keep them."""

WHOLE = "all"
"""The split of a data set that has only one, without a role."""


def open_source(source: str) -> dict[str, Dataset]:
    """The splits of a file, folder or Hub data set; a file is one split, by its role or `all`."""
    if not source.strip():
        raise DataError("the name of the data is empty; give a file, a folder or a Hub name")
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity(logging.CRITICAL)
    path = local_path(source)
    if path.is_dir():
        return _open_folder(path)
    if path.is_file():
        return {role_of(path.stem) or WHOLE: _open_file(path)}
    if _looks_like_path(source):
        raise DataError(f"no file or folder {source!r}; check the path given as data")
    return _open_hub(source)


def role_of(split: str) -> str | None:
    """Train, validation or test for the name of a split, None for any other."""
    for role, names in SPLITS.items():
        if split.lower() in names:
            return role
    return None


def data_files(source: str) -> dict[str, str | None]:
    """The data files of a folder with their roles; none if it isn't a folder of such files."""
    folder = local_path(source)
    if not folder.is_dir() or _is_saved(folder):
        return {}
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in FORMATS)
    return {name: role_of(Path(name).stem) for name in names}


def _open_file(path: Path) -> Dataset:
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"{path.name!r} is none of the formats known: {', '.join(FORMATS)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name!r} is empty; it needs a header and rows")
    _check_encoding(path)
    try:
        with tempfile.TemporaryDirectory() as cache:
            return datasets.load_dataset(
                FORMATS[path.suffix.lower()],
                data_files={"train": str(path.resolve())},
                split="train",
                cache_dir=cache,
                keep_in_memory=True,
                **_reading(path),
            )
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path.name!r} can't be read as {path.suffix[1:]}: {_why(error)}"
        ) from error


def _check_encoding(path: Path) -> None:
    """Refuse a text file that isn't UTF-8."""
    if FORMATS[path.suffix.lower()] == "parquet":
        return
    try:
        with path.open(encoding="utf-8") as file:
            while file.read(1_000_000):
                pass
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name!r} is not UTF-8; save it as UTF-8") from error


def _reading(path: Path) -> dict[str, object]:
    """Every CSV cell stays the text it is: 007 isn't 7 and the text 'None' isn't missing."""
    if FORMATS[path.suffix.lower()] != "csv":
        return {}
    csv.field_size_limit(2**31 - 1)
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = (cells for cells in csv.reader(file, delimiter=separator) if not _is_blank(cells))
        header, first = next(lines, []), next(lines, [])
    _check_separator(path, header)
    if not first:
        lacks = "has a header but no rows" if header else "is empty; it needs a header and rows"
        raise DataError(f"{path.name!r} {lacks}")
    if any(first[len(header) :]):
        raise DataError(f"{path.name!r} has {len(first)} cells under {len(header)} column names")
    header += [""] * (len(first) - len(header))
    names = [name or f"Unnamed: {i}" for i, name in enumerate(header)]
    features = datasets.Features({name: datasets.Value("string") for name in names})
    return {
        "sep": separator,
        "header": 0,
        "names": names,
        "features": features,
        "keep_default_na": False,
        "na_filter": False,
    }


def _is_blank(cells: list[str]) -> bool:
    return len(cells) < 2 and not "".join(cells).strip()


def _check_separator(path: Path, header: list[str]) -> None:
    """Refuse a single column name that another separator would part."""
    if len(header) != 1:
        return
    other = next((mark for mark in ("\t", ";", ",") if mark in header[0]), None)
    if other is not None:
        raise DataError(
            f"the separator of {path.name!r} looks like {other!r}; save it with commas as .csv or"
            " with tabs as .tsv"
        )


def _open_folder(folder: Path) -> dict[str, Dataset]:
    if _is_saved(folder):
        return _from_disk(folder)
    found = data_files(str(folder))
    by_role: dict[str, list[str]] = defaultdict(list)
    for name, role in found.items():
        if role is not None:
            by_role[role].append(name)
    if not by_role:
        raise DataError(
            f"folder {folder.name!r} holds no data set, only {', '.join(found) or 'other files'};"
            " it needs train.csv (or .tsv, .jsonl, .parquet), or has to be written by save_to_disk"
        )
    for role, names in by_role.items():
        if len(names) > 1:
            raise DataError(
                f"folder {folder.name!r} has {len(names)} {role} files, {', '.join(names)};"
                " leave one of them there"
            )
    return {role: _open_file(folder / name) for role, (name,) in by_role.items()}


def _is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote the folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def _from_disk(folder: Path) -> dict[str, Dataset]:
    try:
        return _as_splits(datasets.load_from_disk(str(folder)))
    except Exception as error:
        raise DataError(
            f"folder {folder.name!r} can't be read as a data set: {_why(error)}"
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
            f"no file or folder {source!r}, and the Hub has no such data set or can't be reached:"
            f" {_why(error)}"
        ) from error


def _as_splits(opened: Dataset | DatasetDict) -> dict[str, Dataset]:
    return dict(opened) if isinstance(opened, DatasetDict) else {WHOLE: opened}


def _looks_like_path(source: str) -> bool:
    path = Path(source)
    known = path.suffix.lower() in FORMATS and ":" not in source
    return source.startswith((".", "~")) or path.is_absolute() or len(path.parts) > 2 or known


def _why(error: BaseException) -> str:
    """The innermost cause in one line, without paths of this machine."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    words = (shown_name(word) if word.startswith("/") else word for word in lines[0].split())
    return " ".join(words)[:200]
