"""Slices: what is planted comes first, and what lies anywhere is not listed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.column_names import ColumnNames
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.data.slices.groups import row_groups
from viz.data.slices.slices import LEVEL, Slices, find_slices
from viz.types import BoolArray

N = 800
LABELS = ("bad", "good")
VOCABULARY = np.array([f"w{number}" for number in range(120)])
Words = list[tuple[str, ...]]


def file_of(seed: int, n: int = N) -> tuple[AuditRows, Words]:
    """A file whose columns, lengths and words have nothing to do with each other."""
    draw = np.random.default_rng(seed)
    rarity = 1 / np.arange(1, len(VOCABULARY) + 1)
    words = [
        (*draw.choice(VOCABULARY, draw.integers(4, 12), p=rarity / rarity.sum()),) for _ in range(n)
    ]
    gold = draw.integers(0, 2, n)
    columns: dict[str, Sequence[Any]] = {
        "text": [" ".join(row) for row in words],
        "label": [LABELS[label] for label in gold],
        "source": draw.choice(["wire", "blog", "forum", ""], n).tolist(),
        "stars": [str(number) for number in draw.integers(1, 6, n)],
        "price": [f"{number:.2f}" for number in draw.gamma(2, 20, n)],
        "day": [str(date(2024, 1, 1) + timedelta(int(day))) for day in draw.integers(0, 300, n)],
        "id": [f"row-{number}" for number in range(n)],
    }
    rows = AuditRows(
        name="rows.csv",
        fingerprint="0" * 64,
        columns=ColumnNames("text", None, "label"),
        texts=(*columns["text"],),
        pairs=None,
        gold=gold,
        table=columns,
        places=range(2, n + 2),
    )
    return rows, words


def predicted(rows: AuditRows, words: Words, wrong: BoolArray) -> RowPredictions:
    """What a classifier says that is wrong on these rows."""
    assert rows.gold is not None
    logits = np.eye(2)[np.where(wrong, 1 - rows.gold, rows.gold)]
    return RowPredictions(
        read=np.ones(len(rows), dtype=bool),
        logits=logits,
        probabilities=logits,
        n_tokens=np.array([len(row) for row in words]),
        n_unseen=(np.arange(len(rows)) % 11 == 0).astype(np.int64),
        n_windows=np.ones(len(rows), int),
        states=None,
    )


def slices_of(rows: AuditRows, words: Words, wrong: BoolArray) -> Slices:
    slices = find_slices(rows, predicted(rows, words, wrong), words, LABELS)
    assert isinstance(slices, Slices)
    return slices


def cells(rows: AuditRows, column: str) -> IntArray | FloatArray:
    return np.array(rows.table[column])


def has(word: str) -> Callable[[AuditRows, Words], BoolArray]:
    return lambda rows, words: np.array([word in row for row in words])


def is_cell(column: str, cell: str) -> Callable[[AuditRows, Words], BoolArray]:
    return lambda rows, words: cells(rows, column) == cell


PLANTED: dict[str, tuple[tuple[str, str, str], Callable[[AuditRows, Words], BoolArray]]] = {
    "a cell": (("column", "source", "forum"), is_cell("source", "forum")),
    "an empty cell": (("column", "source", "(empty)"), is_cell("source", "")),
    "a number of few": (("column", "stars", "1"), is_cell("stars", "1")),
    "a class": (("column", "label", "good"), is_cell("label", "good")),
    "a word": (("word", "text", "w20"), has("w20")),
    "a length": (
        ("length", "tokens", "11"),
        lambda rows, words: np.array([len(row) == 11 for row in words]),
    ),
    "a cut text": (
        ("length", "tokens", "cut off"),
        lambda rows, words: np.arange(len(rows)) % 11 == 0,
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_made_bad_comes_first(planted: str, seed: int) -> None:
    name, chosen = PLANTED[planted]
    rows, words = file_of(seed)
    draw = np.random.default_rng(seed).random(N)
    wrong = (draw < 0.05) | (chosen(rows, words) & (draw < 0.5))
    first = slices_of(rows, words, wrong).items[0]
    assert (first.by, first.column, first.value) == name
    assert first.n_rows == chosen(rows, words).sum()
    assert first.n_errors == (wrong & chosen(rows, words)).sum()
    assert first.error_share == pytest.approx(first.n_errors / wrong.sum())
    assert first.accuracy_interval[0] < first.accuracy < first.accuracy_interval[1] < 1


@pytest.mark.parametrize(("column", "kind"), [("price", float), ("day", str)])
def test_a_range_of_numbers_or_dates_comes_first(column: str, kind: type) -> None:
    rows, words = file_of(3)
    values: IntArray | FloatArray = cells(rows, column).astype(kind)
    edge = np.sort(values)[4 * N // 5]
    wrong = np.random.default_rng(0).random(N) < np.where(values > edge, 0.5, 0.05)
    first = slices_of(rows, words, wrong).items[0]
    assert (first.by, first.column) == ("column", column)
    low, high = first.value.split(" to ")
    assert kind(low) >= edge
    assert kind(high) == max(values.tolist())


def test_errors_that_lie_anywhere_make_no_slice() -> None:
    """One file in twenty may have one; columns, ranges, lengths and words are looked at in each."""
    rows, words = file_of(0, 250)
    files = 200
    draw = np.random.default_rng(7)
    false = sum(bool(slices_of(rows, words, draw.random(250) < 0.12).items) for _ in range(files))
    assert false <= binom.ppf(0.99, files, LEVEL)


def test_what_a_slice_explains_is_not_listed_under_it() -> None:
    rows, words = file_of(1)
    forum = cells(rows, "source") == "forum"
    extended = [
        (*row, "posted", *(["reply"] if index % 3 else [])) if inside else row
        for index, (row, inside) in enumerate(zip(words, forum, strict=True))
    ]
    wrong = np.random.default_rng(0).random(N) < np.where(forum, 0.5, 0.05)
    slices = slices_of(rows, extended, wrong)
    assert [item.value for item in slices.items] == ["forum"]
    assert "The same rows have 'forum' in 'source' and the word 'posted'." in slices.notes
    assert slices.notes[-1].endswith("worse, but not beyond what the slices listed explain.")


def test_lengths_and_words_of_the_same_rows_are_told_apart() -> None:
    rows, _ = file_of(1)
    wrong = np.arange(N) % 2 == 0
    words = [("8", *"abcdef", "g") if bad else ("w",) * 7 for bad in wrong.tolist()]
    slices = slices_of(rows, words, wrong)
    letters = ", ".join(f"the word '{letter}'" for letter in "8abc")
    # Of two lengths, a fifth of the rows and a tenth of them are one range.
    assert slices.notes[0] == f"The same rows have 8 tokens, {letters}, the word 'd' and 3 more."


def test_what_is_worse_within_a_slice_is_listed_too() -> None:
    rows, words = file_of(1)
    forum = cells(rows, "source") == "forum"
    extended = [
        (*row, "reply") if inside and index % 3 == 0 else row
        for index, (row, inside) in enumerate(zip(words, forum, strict=True))
    ]
    reply = np.array(["reply" in row for row in extended])
    draw = np.random.default_rng(0).random(N)
    wrong = draw < np.where(reply, 0.95, np.where(forum, 0.35, 0.03))
    assert {item.value for item in slices_of(rows, extended, wrong).items} == {"forum", "reply"}


def test_p_values_are_corrected_for_all_parts() -> None:
    """Each is at most what Bonferroni would make of all, and never less than the plain one."""
    rows, words = file_of(2)
    forum = cells(rows, "source") == "forum"
    wrong = np.random.default_rng(0).random(N) < np.where(forum, 0.3, 0.1)
    slices = slices_of(rows, words, wrong)
    first = slices.items[0]
    n_forum, n_wrong = int(forum.sum()), int(wrong.sum())
    inside = int((wrong & forum).sum())
    outside = n_wrong - inside
    table = [[inside, n_forum - inside], [outside, N - n_forum - outside]]
    plain = fisher_exact(table, "greater").pvalue
    assert 10 * plain < first.p_value <= slices.n_tested * plain * (1 + 1e-9)


def test_rows_without_a_label_or_unread_never_count() -> None:
    rows, words = file_of(4)
    assert isinstance(rows.gold, np.ndarray)
    forum = cells(rows, "source") == "forum"
    wrong = np.random.default_rng(0).random(N) < np.where(forum, 0.5, 0.05)
    predictions = predicted(rows, words, wrong)
    out = np.arange(N) % 5 == 0
    unlabeled = replace(rows, gold=np.where(out, -1, rows.gold))
    unread = replace(predictions, read=~out)
    kept = np.flatnonzero(~out).tolist()
    fewer = replace(
        rows,
        texts=tuple(rows.texts[row] for row in kept),
        gold=rows.gold[kept],
        table={name: [column[row] for row in kept] for name, column in rows.table.items()},
    )
    some = replace(
        predicted(fewer, [words[row] for row in kept], wrong[kept]),
        n_unseen=predictions.n_unseen[kept],
    )
    expected = find_slices(fewer, some, [words[row] for row in kept], LABELS)
    assert find_slices(unlabeled, predictions, words, LABELS) == expected
    assert find_slices(rows, unread, words, LABELS) == expected


def test_a_multi_label_row_is_wrong_where_one_class_is() -> None:
    rows, words = file_of(5)
    draw = np.random.default_rng(0)
    gold = draw.integers(0, 2, (N, 3)).astype(float)
    forum = cells(rows, "source") == "forum"
    wrong = draw.random(N) < np.where(forum, 0.5, 0.05)
    logits = np.where(gold > 0, 1.0, -1.0)
    logits[wrong, 2] *= -1
    gold[3] = np.nan
    several = replace(rows, gold=gold)
    predictions = replace(
        predicted(rows, words, wrong), logits=logits, probabilities=1 / (1 + np.exp(-logits))
    )
    slices = find_slices(several, predictions, words, ("a", "b", "c"))
    assert isinstance(slices, Slices)
    assert slices.n_rows == N - 1
    assert slices.accuracy == pytest.approx(1 - np.delete(wrong, 3).mean())
    assert slices.items[0].value == "forum"


def test_cells_of_every_kind_are_read() -> None:
    rows, words = file_of(6)
    odd: list[Any] = [
        None,
        float("nan"),
        3,
        True,
        "x",
        [1, 2],
        {"a": [1]},
        b"\xff",
        date(2024, 1, 1),
    ]
    table = dict(rows.table, odd=[odd[index % len(odd)] for index in range(N)])
    inside = np.arange(N) % len(odd) == 5
    slices = slices_of(replace(rows, table=table), words, inside)
    assert [(item.column, item.value, item.accuracy) for item in slices.items] == [
        ("odd", "[1, 2]", 0.0)
    ]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (lambda row: 1.7e9 + 0.25 + row, ["1700000000 to 1700000079"]),
        (lambda row: row + 0.5, ["0.5 to 79.5", "720.5 to 799.5"]),
        (
            lambda row: datetime(2024, 1, 1, 9) + timedelta(seconds=row // 9),
            ["2024-01-01 09:00:00 to 2024-01-01 09:00:08"],
        ),
        (lambda row: f"{'long ' * 20}{row % 3}", ["long " * 20 + "2"]),
        (lambda row: f"{'x' * 90}{row}" if row % 4 else "y" * 90, [f"{'y' * 78} …"]),
        (lambda row: ("", "(empty)", "a b", "a  b", "c")[row % 5], ["(empty)", "a b"]),
    ],
)
def test_no_two_parts_of_other_rows_have_one_name(
    cell: Callable[[int], object], names: list[str]
) -> None:
    rows, words = file_of(7)
    rows = replace(rows, table={"odd": [cell(row) for row in range(N)]})
    predictions = predicted(rows, words, np.zeros(N, dtype=bool))
    parts = list(row_groups(rows, predictions, words, LABELS, np.arange(N)))
    known: dict[tuple[str, str, str], bytes] = {}
    for part in parts:
        key = (part.by, part.column, part.value)
        assert known.setdefault(key, part.rows.tobytes()) == part.rows.tobytes(), key
    assert {*names} <= {part.value for part in parts if part.column == "odd"}


@pytest.mark.parametrize(
    ("end", "written"),
    [
        ("9999-12-31T23:59:59-05:00", "9999-12-31 23:59"),
        ("9999-12-31T23:59:59.999999", "9999-12-31 23:59"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01"),
    ],
)
def test_a_date_at_an_end_of_the_calendar_is_a_date(end: str, written: str) -> None:
    rows, words = file_of(7)
    days = [end if row % 4 == 0 else f"2024-01-{row % 28 + 1:02}" for row in range(N)]
    rows = replace(rows, table={"day": days})
    predictions = predicted(rows, words, np.zeros(N, dtype=bool))
    parts = row_groups(rows, predictions, words, LABELS, np.arange(N))
    ends = [end for part in parts if part.column == "day" for end in part.value.split(" to ")]
    assert written in ends
    assert any(end.startswith("2024-01-") for end in ends)


def test_without_labels_or_classes_a_sentence_says_so() -> None:
    rows, words = file_of(0, 20)
    predictions = predicted(rows, words, np.zeros(20, dtype=bool))
    for gold in (None, np.full(20, -1)):
        missing = find_slices(replace(rows, gold=gold), predictions, words, LABELS)
        assert isinstance(missing, Missing)
        assert "no labels" in missing.missing
    scores = replace(predictions, probabilities=np.zeros((20, 0)))
    missing = find_slices(replace(rows, gold=np.zeros(20)), scores, words, ("score",))
    assert isinstance(missing, Missing)
    assert "score" in missing.missing


def test_without_errors_there_is_no_slice() -> None:
    rows, words = file_of(0, 30)
    for wrong in (np.zeros(30, dtype=bool), np.ones(30, dtype=bool)):
        assert slices_of(rows, words, wrong).items == ()
