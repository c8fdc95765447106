"""Where rows come from: a file, a folder or the Hub, opened with `datasets`."""

import csv
import tempfile
from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict, DownloadConfig

from finetune.config import shown_name
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


def open_source(source: str) -> dict[str, Dataset]:
    """The splits of a file, folder or Hub data set; a single file is one split, `train`."""
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    path = Path(source).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if path.is_file():
        return {"train": _open_file(path)}
    if _looks_like_path(source):
        raise DataError(f"no file or folder {source!r}; check the path given as data")
    return _open_hub(source)


def role_of(split: str) -> str | None:
    """Train, validation or test for the name of a split, None for any other."""
    for role, names in SPLITS.items():
        if split.lower() in names:
            return role
    return None


def _open_file(path: Path) -> Dataset:
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"{path.name!r} is none of the formats known: {', '.join(FORMATS)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name!r} is empty; it needs a header and rows")
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


def _reading(path: Path) -> dict[str, object]:
    """Every CSV cell stays the text it is: 007 isn't 7 and the text 'None' isn't missing."""
    if FORMATS[path.suffix.lower()] != "csv":
        return {}
    csv.field_size_limit(2**31 - 1)
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=separator)
        header, first = next(lines, []), next(lines, [])
    if not first:
        raise DataError(f"{path.name!r} has a header but no rows")
    if len(first) > len(header):
        raise DataError(f"{path.name!r} has {len(first)} cells under {len(header)} column names")
    features = datasets.Features({name: datasets.Value("string") for name in header})
    return {"sep": separator, "features": features, "keep_default_na": False, "na_filter": False}


def _open_folder(folder: Path) -> dict[str, Dataset]:
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return _from_disk(folder)
    files = {
        role: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in FORMATS and (role := role_of(path.stem))
    }
    if not files:
        raise DataError(
            f"folder {folder.name!r} holds no data set; it needs train.csv (or .tsv, .jsonl,"
            " .parquet), or has to be written by save_to_disk"
        )
    return {role: _open_file(path) for role, path in files.items()}


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
    return dict(opened) if isinstance(opened, DatasetDict) else {"train": opened}


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
