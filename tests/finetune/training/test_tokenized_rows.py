"""Token numbers are made once: read back from the cache, and made again where anything differs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import BufferReader, ipc

from finetune.checkpoint.models import Checkpoint, load_base
from finetune.data.rows import Rows
from finetune.training import tokenized_rows
from finetune.training.tokenized_rows import cache_file, tokenized
from tests.finetune.news import LABELS


@pytest.fixture
def checkpoint(base: Path) -> Checkpoint:
    return load_base(str(base), LABELS, multi_label=False)


@pytest.fixture
def rows() -> Rows:
    texts = ("The team won.", "Stocks fell on Monday, and again on Tuesday.", "A vote is near.")
    labels = tuple((name,) for name in LABELS)
    return Rows(
        texts=texts, pairs=None, labels=labels, names=LABELS, keys=LABELS, multi_label=False
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, which takes any number of rows."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setattr(tokenized_rows, "MIN_CACHED_ROWS", 1)
    return tmp_path / "clsight-tokens"


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be tokenized from here on."""

    def encode(*_: Any, **__: Any) -> None:
        raise AssertionError("tokenized again")

    monkeypatch.setattr(tokenized_rows, "encode", encode)


def test_the_second_run_reads_what_the_first_made(
    checkpoint: Checkpoint, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tokenized(checkpoint, rows, max_length=16)
    refuse(monkeypatch)
    assert tokenized(checkpoint, rows, max_length=16).to_dict() == made.to_dict()
    assert list(made["length"]) == [len(ids) for ids in made["input_ids"]]
    assert list(made["labels"]) == [0, 1, 2]


def test_few_rows_leave_no_file(
    checkpoint: Checkpoint, rows: Rows, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized_rows, "MIN_CACHED_ROWS", 4)
    tokenized(checkpoint, rows, max_length=16)
    assert not cache.exists()


def test_another_limit_text_class_or_cut_is_another_file(
    checkpoint: Checkpoint, rows: Rows
) -> None:
    places = {
        cache_file(checkpoint, rows, max_length=16),
        cache_file(checkpoint, rows, max_length=12),
        cache_file(checkpoint, rows.select([0, 2, 1]), max_length=16),
    }
    checkpoint.model.config.text_truncation = "tail"
    places.add(cache_file(checkpoint, rows, max_length=16))
    checkpoint.tokenizer.model_input_names = ["input_ids", "attention_mask"]
    places.add(cache_file(checkpoint, rows, max_length=16))
    assert len(places) == 5


def without_rows(content: bytes) -> bytes:
    """The schema alone, which Arrow reads as a whole file of no rows."""
    source = BufferReader(content)
    ipc.read_message(source)
    return content[: source.tell()]


def with_zeros(content: bytes) -> bytes:
    """The numbers of the rows as zeros, as a machine that lost its power leaves them."""
    source = BufferReader(content)
    ipc.read_message(source)
    body = ipc.read_message(source).body.size
    end = source.tell()
    return content[: end - body] + bytes(body) + content[end:]


@pytest.mark.parametrize("damage", [lambda content: content[:50], without_rows, with_zeros])
def test_a_damaged_file_is_made_anew(
    damage: Callable[[bytes], bytes],
    checkpoint: Checkpoint,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = tokenized(checkpoint, rows, max_length=16).to_dict()
    file = cache_file(checkpoint, rows, max_length=16)
    file.write_bytes(damage(file.read_bytes()))
    assert tokenized(checkpoint, rows, max_length=16).to_dict() == made
    refuse(monkeypatch)
    assert tokenized(checkpoint, rows, max_length=16).to_dict() == made


def test_the_oldest_file_goes_first(
    checkpoint: Checkpoint, rows: Rows, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenized_rows, "MAX_CACHE_FILES", 2)
    for moment, limit in enumerate((8, 9, 10)):
        tokenized(checkpoint, rows, max_length=limit)
        age = 100 - moment if limit != 8 else 0
        os.utime(cache_file(checkpoint, rows, max_length=limit), (1e9 - age, 1e9 - age))
    left = [cache_file(checkpoint, rows, max_length=limit) for limit in (8, 10)]
    assert set(cache.iterdir()) == {*left, *(file.with_suffix(".sha256") for file in left)}
