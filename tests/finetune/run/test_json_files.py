"""Records in files of JSON: read as they are, or refused in one sentence."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from finetune.errors import RecordError
from finetune.run.json_files import Amount, Count, Items, Schema, Share


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A small record."""

    name: str
    count: Count
    share: Share = 0.0
    amounts: Mapping[str, Amount] | None = None
    counts: Items[Count] = ()


SCHEMA: Schema[Kept] = Schema(Kept)
DEEP = 100_000


def read(content: bytes) -> Kept:
    return SCHEMA.parse(content, "the file")


def test_a_record_is_read_to_its_values() -> None:
    content = b'{"name": "\xc3\xa9", "count": 2, "share": 1, "amounts": {"a": 1e3}, "counts": [1]}'
    expected = Kept(name="é", count=2, share=1.0, amounts={"a": 1000.0}, counts=(1,))
    assert read(content) == expected
    assert read(b"\xef\xbb\xbf" + content) == expected


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it isn't JSON"),
        (b'{"name": "a"', "it isn't JSON"),
        (b'{"name": "\xff", "count": 1}', "it isn't JSON"),
        (b'{"name": "\\ud800", "count": 1}', "it isn't JSON"),
        (b"[" * DEEP + b"]" * DEEP, "nested too deeply"),
        (b'{"name": "a", "count": 1, "more": ' + b"[" * 300 + b"]" * 300 + b"}", "it isn't JSON"),
        (b"[]", "should be an object"),
        (b'{"name": "a"}', "in 'count', field required"),
        (b'{"name": 1, "count": 1}', "in 'name', input should be a valid string"),
        (b'{"name": "a", "count": "1"}', "in 'count', input should be a valid integer"),
        (b'{"name": "a", "count": true}', "in 'count', input should be a valid integer"),
        (b'{"name": "a", "count": -1}', "greater than or equal to 0"),
        (b'{"name": "a", "count": 1' + b"0" * 400 + b"}", "in 'count', input should be less"),
        (b'{"name": "a", "count": 1' + b"0" * 5000 + b"}", "is damaged: "),
        (b'{"name": "a", "count": 1, "share": 1.01}', "in 'share', input should be less"),
        (b'{"name": "a", "count": 1, "share": NaN}', "in 'share', input should be a finite"),
        (b'{"name": "a", "count": 1, "amounts": {"b": 1e999}}', "in 'amounts.b', input should be"),
        (b'{"name": "a", "count": 1, "counts": [1, null]}', "in 'counts.1', input should be"),
        (b'{"name": "a", "count": 1, "count": 2}', "'count' occurs twice in one object"),
    ],
)
def test_what_is_no_record_is_one_sentence_with_the_place(content: bytes, sentence: str) -> None:
    with pytest.raises(RecordError) as refusal:
        read(content)
    assert str(refusal.value).startswith("the file is damaged: ")
    assert sentence in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 200


def test_what_a_sentence_quotes_is_short() -> None:
    with pytest.raises(RecordError) as refusal:
        read(b'{"name": "a", "count": 1, "amounts": {"' + b"x" * 100_000 + b'\\u001b": -1}}')
    assert len(str(refusal.value)) < 200


def test_an_entry_that_the_schema_lacks_is_left_out_or_refused() -> None:
    content = b'{"name": "a", "count": 1, "more": 2}'
    assert read(content) == Kept(name="a", count=1)
    strict: Schema[Kept] = Schema(Kept, extra="forbid")
    with pytest.raises(RecordError, match="in 'more'"):
        strict.parse(content, "the file")


def test_a_file_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.write_bytes(b'{"name": "a", "count": 1}')
    assert SCHEMA.read(file).name == "a"
    with pytest.raises(RecordError, match="is too large; a record has 5 bytes"):
        SCHEMA.read(file, most=5)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, and a device has no end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "zero", "loop", "dangling", "folder", "a\0b", "x" * 5000):
        with pytest.raises(RecordError, match="can't be read: "):
            SCHEMA.read(tmp_path / name)
