"""Some rows of an audit: by what was predicted, by a part of the file, by a search."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.audits import full_audit, unlabeled_audit
from tests.hostile_texts import hostile_texts
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.rows.audit_rows import rows_from
from viz.data.rows.row_filter import RowFilter, rows_of_group
from viz.data.rows.row_predictions import predict
from viz.data.rows.row_table import OWN_COLUMNS, row_table
from viz.data.rows.row_words import row_words
from viz.data.slices.slices import Slices, find_slices

AUDIT = full_audit()


def test_without_a_filter_all_rows_that_were_read_come_in_their_order() -> None:
    assert RowFilter().rows(AUDIT.table).tolist() == list(range(48))
    table = AUDIT.table.assign(prediction=AUDIT.table["prediction"].mask(AUDIT.table["row"] == 3))
    assert 3 not in RowFilter().rows(table)


def test_errors_and_cells_come_with_the_dearest_first() -> None:
    rows = RowFilter(errors=True).rows(AUDIT.table)
    assert sorted(rows.tolist()) == [row for row in range(48) if row % 6 == 5]
    loss = AUDIT.table["loss"].to_numpy(dtype=float)[rows]
    assert (np.diff(loss) <= 0).all()
    cell = RowFilter(label="Sports", prediction="Business").rows(AUDIT.table)
    assert set(cell.tolist()) == {row for row in range(48) if row % 6 == 5 and row % 4 == 1}


def test_a_search_is_for_letters_in_any_case_and_no_pattern() -> None:
    rows = RowFilter(search=" GAME CHIP ").rows(AUDIT.table)
    assert len(rows)
    assert all("game chip" in AUDIT.rows.texts[row] for row in rows)
    assert not len(RowFilter(search="game.chip").rows(AUDIT.table))


def test_a_column_of_the_file_is_never_taken_for_one_of_the_audit(
    classifier: Classifier, tmp_path: Path
) -> None:
    texts = ["oil prices", "team wins", "oil"]
    rows = rows_from(
        [dict.fromkeys(OWN_COLUMNS, number) | {"text": text} for number, text in enumerate(texts)],
        classifier,
        labeled=False,
    )
    table = row_table(classifier, rows, predict(classifier, texts))
    assert RowFilter(search="oil").rows(table).tolist() == [0, 2]
    assert list(table["pair (file)"]) == list(table["windows (file)"]) == [0, 1, 2]
    assert {*OWN_COLUMNS} > {name for name in table if "(file)" not in name}
    folder = tiny_checkpoint(tmp_path, labels=("score",), problem_type="regression")
    score = Classifier.load(folder)
    rows = rows_from(
        [{"text": text, "score": 9 * n, "correct": True} for n, text in enumerate(texts)], score
    )
    table = row_table(score, rows, predict(score, texts))
    assert RowFilter().rows(table).tolist() == np.argsort(-table["loss"].to_numpy(float)).tolist()
    assert RowFilter().rows(table).tolist() != [0, 1, 2]


def test_of_a_file_without_labels_no_row_is_an_error() -> None:
    table = unlabeled_audit().table
    assert not len(RowFilter(errors=True).rows(table))
    assert len(RowFilter(prediction="World").rows(table))


@pytest.mark.parametrize(
    ("by", "column", "value", "expected"),
    [
        ("column", "source", "web", {row for row in range(48) if row % 2}),
        ("column", "source", "nowhere", set()),
        ("length", "tokens", "cut off", {row for row in range(48) if row % 3}),
    ],
)
def test_a_part_of_the_file_is_found_by_its_name(
    by: str, column: str, value: str, expected: set[int]
) -> None:
    assert set(rows_of_group(AUDIT, by, column, value).tolist()) == expected


def test_the_rows_of_a_slice_are_those_that_it_counts() -> None:
    rows = AUDIT.rows
    gold = np.where(np.arange(48) % 3, np.asarray(rows.gold), -1)
    day = [1.7e9 + 0.25 + row for row in range(48)]
    rows = replace(rows, gold=gold, table={**rows.table, "day": day})
    logits = np.eye(4)[np.where(np.arange(48) < 16, (gold + 1) % 4, gold)]
    predictions = replace(AUDIT.predictions, logits=logits)
    slices = find_slices(rows, predictions, [("oil",)] * 48, AUDIT.record.labels)
    assert isinstance(slices, Slices)
    assert {each.column for each in slices.items} == {"day"}
    audit = replace(AUDIT, rows=rows, predictions=predictions)
    for each in slices.items:
        chosen = rows_of_group(audit, each.by, each.column, each.value, labeled=True)
        assert len(chosen) == each.n_rows
        assert (predictions.predicted[chosen] != gold[chosen]).sum() == each.n_errors


def test_rows_with_a_word_have_it_as_a_word(classifier: Classifier) -> None:
    audit = full_audit(classifier=classifier)
    rows = rows_of_group(audit, "word", "text", "oil")
    texts = audit.rows.texts
    assert rows.tolist() == [row for row in range(48) if "oil" in texts[row].split()]
    assert not len(rows_of_group(audit, "word", "text", "oi"))


def test_every_word_is_found_by_its_key(classifier: Classifier) -> None:
    texts = [
        "oil …",
        "oil™",
        "x² ½ ﬁne",
        "ＡＢＣ ｶﾞ",
        "cafe\u0301 nai\u0308ve",
        "Straße",
        "\u00b4 \u00a8x",
    ]
    texts += [text[:200] for _, text, _ in hostile_texts(48 - len(texts), seed=3)]
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    audit = full_audit(classifier=classifier)
    audit = replace(audit, rows=replace(audit.rows, texts=tuple(texts)))
    words = row_words(audit.rows, classifier)
    assert {"...", "oil", "caf\u00e9", "na\u00efve", "strasse", "abc"} <= {*sum(words, ())}
    for word in {*sum(words, ())}:
        rows = rows_of_group(audit, "word", "text", word)
        assert rows.tolist() == [row for row in range(48) if word in words[row]]
