"""The rows as a model takes them: token numbers, made once and kept for the next run."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import Dataset
from pyarrow import ArrowInvalid

from finetune.checkpoint.models import Checkpoint
from finetune.checkpoint.tokenizer import tokenizer_settings
from finetune.checkpoint.truncation import stored_truncation
from finetune.checkpoint.weights import hash_files
from finetune.checkpoint.windows import stored_windows
from finetune.data.rows import Rows
from finetune.evaluation.evaluate import encode, encode_all, targets
from finetune.run import processes
from finetune.run.atomic_files import write_atomically

MIN_CACHED_ROWS = 5_000
"""Rows from which on reading the file again is quicker than making it."""
WINDOWS = "windows"
"""The column of how many windows a text has; there is none where texts are cut."""
MAX_CACHE_FILES = 20
"""Files that are kept; the oldest goes first."""


def tokenized(checkpoint: Checkpoint, rows: Rows, *, max_length: int) -> Dataset:
    """Token numbers, targets and lengths of *rows*; padding waits for the batch.

    Where the checkpoint reads windows, a row has the token numbers of each, how many there are
    (`windows`), and the length of the longest.
    """
    if len(rows) < MIN_CACHED_ROWS:
        return _tokenize(checkpoint, rows, max_length, None)
    file = cache_file(checkpoint, rows, max_length=max_length)
    if not processes.is_first():
        processes.wait()
    dataset = _read_cache(file)
    if dataset is None:
        file.parent.mkdir(parents=True, exist_ok=True)
        dataset = _tokenize(checkpoint, rows, max_length, file)
        write_atomically(_digest_file(file), hash_files([file]))
        _remove_oldest(file.parent)
    if processes.is_first():
        processes.wait()
    return dataset


def cache_file(checkpoint: Checkpoint, rows: Rows, *, max_length: int) -> Path:
    """The file for these rows, this tokenizer and this limit, in the cache of `datasets`."""
    cache_key = [
        tokenizer_settings(checkpoint.tokenizer),
        stored_truncation(checkpoint.model.config),
        max_length,
        checkpoint.labels,
        checkpoint.multi_label,
        rows.fingerprint(),
    ]
    windows = stored_windows(checkpoint.model.config)
    if windows is not None:
        cache_key.append(asdict(windows))
    key = hashlib.sha256(json.dumps(cache_key).encode()).hexdigest()[:32]
    return Path(datasets.config.HF_DATASETS_CACHE) / "clsight-tokens" / f"{key}.arrow"


def _digest_file(file: Path) -> Path:
    """Where the SHA-256 of *file* stands: Arrow reads a part of its rows, or zeros, as if whole."""
    return file.with_suffix(".sha256")


def _read_cache(file: Path) -> Dataset | None:
    """The rows in *file*; none where it is missing, or is not what was written."""
    with suppress(OSError, ArrowInvalid):
        if hash_files([file]).encode() == _digest_file(file).read_bytes():
            file.touch()
            return Dataset.from_file(str(file))
    return None


def _tokenize(checkpoint: Checkpoint, rows: Rows, max_length: int, file: Path | None) -> Dataset:
    inputs = Dataset.from_dict({"row": list(range(len(rows)))})
    texts, labels = rows.inputs(), targets(rows, checkpoint)

    def batch(rows: dict[str, list[int]]) -> dict[str, list[Any]]:
        inputs = [texts[i] for i in rows["row"]]
        own = {"labels": [labels[i] for i in rows["row"]]}
        if stored_windows(checkpoint.model.config) is not None:
            return _in_windows(*encode_all(checkpoint, inputs, max_length=max_length)) | own
        encoded = encode(checkpoint, inputs, max_length=max_length)
        return encoded | own | {"length": [len(tokens) for tokens in encoded["input_ids"]]}

    # A fingerprint of our own spares `datasets` from hashing the whole model to make one.
    return inputs.map(
        batch,
        batched=True,
        remove_columns="row",
        new_fingerprint="rows" if file is None else file.stem,
        cache_file_name=None if file is None else str(file),
        load_from_cache_file=False,
    )


def _in_windows(columns: dict[str, list[list[int]]], owners: list[int]) -> dict[str, list[Any]]:
    """The columns of texts from those of their windows, and the number of the text of each."""
    first = np.flatnonzero(np.diff(owners, prepend=-1)).tolist()
    places = list(pairwise([*first, len(owners)]))
    rows = {name: [each[a:b] for a, b in places] for name, each in columns.items()}
    return rows | {
        WINDOWS: [len(windows) for windows in rows["input_ids"]],
        "length": [max(map(len, windows)) for windows in rows["input_ids"]],
    }


def windows_as_rows(rows: Dataset) -> Dataset:
    """Each window as a row of its own, without the labels; *rows* where texts are cut."""
    if WINDOWS not in rows.column_names:
        return rows.remove_columns("labels")
    inputs = rows.remove_columns(["labels", WINDOWS, "length"])

    def batch(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        flat = {name: list(chain.from_iterable(texts)) for name, texts in columns.items()}
        return flat | {"length": list(map(len, flat["input_ids"]))}

    return inputs.map(batch, batched=True, new_fingerprint="windows", load_from_cache_file=False)


def _remove_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.arrow"), key=lambda file: -file.stat().st_mtime)
    for file in files[MAX_CACHE_FILES:]:
        file.unlink(missing_ok=True)
        _digest_file(file).unlink(missing_ok=True)
