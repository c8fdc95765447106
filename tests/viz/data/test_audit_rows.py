"""The rows of a file, none left out, with their classes as the classifier numbers them."""

import json
from pathlib import Path

import numpy as np
import pytest

from finetune.run.column_names import ColumnNames
from tests.tiny_models import edit_config, tiny_checkpoint, tokenizer, with_tokenizer
from viz import Classifier
from viz.data.rows.audit_rows import open_rows, rows_from
from viz.data.rows.row_words import row_words
from viz.data.rows.word_contributions import word_contributions
from viz.errors import SelectionError
from viz.model.grouping import word_key


def write(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content, "utf-8")
    return folder / name


def test_rows_without_a_text_or_a_label_stay_in_their_places(
    classifier: Classifier, tmp_path: Path
) -> None:
    file = write(
        tmp_path,
        "x.csv",
        "id,text,label\n1,oil rises,Business\n2,,Sports\n3,the team,\n4,a,world\n",
    )
    rows = open_rows(file, classifier)
    assert rows.texts == ("oil rises", "", "the team", "a")
    assert list(rows.gold if rows.gold is not None else []) == [2, -1, -1, 0]
    assert rows.table["id"] == ["1", "2", "3", "4"]
    assert list(rows.places) == [2, 3, 4, 5]
    assert rows.columns == ColumnNames("text", None, "label")


def test_numbers_are_said_to_be_read_as_positions(classifier: Classifier, tmp_path: Path) -> None:
    file = write(tmp_path, "x.csv", "text,label\noil,1\nteam,2\n")
    (note,) = open_rows(file, classifier).notes
    assert note.startswith(
        "The labels of 'x.csv' are numbers, read as positions from 0: 1 = Sports"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("text,label\noil,Weather\n", "'x.csv' has the class 'Weather'; the model knows"),
        ("text,label\noil,4\nteam,1\n", "these look counted from 1"),
        ("a,b\n1,2\n", "No text column among"),
        ("text,label\noil,0.5\n", "Weather|fraction|class '0.5'"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    classifier: Classifier, tmp_path: Path, content: str, sentence: str
) -> None:
    file = write(tmp_path, "x.csv", content)
    with pytest.raises(SelectionError, match=sentence):
        open_rows(file, classifier)


def test_a_file_without_labels_says_so(classifier: Classifier, tmp_path: Path) -> None:
    rows = open_rows(write(tmp_path, "x.csv", "text,toxic,insult\noil,0,1\nteam,1,0\n"), classifier)
    assert rows.gold is None
    assert rows.columns.label is None
    assert (
        "No labels were read: 'toxic', 'insult' of 'x.csv' look like one class each"
        in rows.notes[0]
    )
    unread = open_rows(
        write(tmp_path, "y.csv", "text,label\noil,Weather\n"), classifier, labeled=False
    )
    assert unread.gold is None
    assert unread.notes == ()


def test_lists_of_labels_need_a_multi_label_head(classifier: Classifier, tmp_path: Path) -> None:
    lines = [
        {"text": "oil", "labels": ["World", "Sports"]},
        {"text": "a", "labels": []},
        {"text": "b"},
    ]
    file = write(tmp_path, "x.jsonl", "\n".join(map(json.dumps, lines)))
    with pytest.raises(SelectionError, match="one class per text"):
        open_rows(file, classifier)
    folder = tiny_checkpoint(tmp_path / "multi")
    edit_config(folder, problem_type="multi_label_classification")
    gold = open_rows(file, Classifier.load(folder)).gold
    assert gold is not None
    np.testing.assert_array_equal(gold[0], [1, 1, 0, 0])
    np.testing.assert_array_equal(gold[1], [0, 0, 0, 0])
    assert np.isnan(gold[2]).all()


def test_what_is_read_has_a_fingerprint_of_its_own(classifier: Classifier, tmp_path: Path) -> None:
    file = write(tmp_path, "x.csv", "text,title,label\noil,a,World\nteam,b,Sports\n")
    whole, again = open_rows(file, classifier), open_rows(file, classifier)
    by_title = open_rows(file, classifier, ColumnNames(text="title"))
    assert whole.fingerprint == again.fingerprint
    fingerprints = {
        whole.fingerprint,
        by_title.fingerprint,
        open_rows(file, classifier, limit=1).fingerprint,
        open_rows(file, classifier, labeled=False).fingerprint,
    }
    assert len(fingerprints) == 4
    assert len(open_rows(file, classifier, limit=1)) == 1


def test_rows_come_from_python_too(classifier: Classifier) -> None:
    rows = rows_from(
        [{"text": "oil", "label": "World"}, {"text": "team", "source": "b"}], classifier
    )
    assert list(rows.gold if rows.gold is not None else []) == [0, -1]
    assert rows.table["source"] == [None, "b"]
    with pytest.raises(SelectionError, match="no rows"):
        rows_from([], classifier)


def test_words_are_counted_as_explanations_have_them(tmp_path: Path) -> None:
    words = tokenizer("bert")
    words.add_tokens(["'s"])
    classifier = Classifier.load(with_tokenizer(tmp_path, words))
    rows = rows_from(["Oil's \u2764\ufe0f cafe\u0301 as", "नमस्ते team's [MASK]"], classifier)
    counted = row_words(rows, classifier)
    assert counted == [
        ("oil", "'s", "\u2764\ufe0f", "caf\u00e9", "as"),
        ("नमस्ते", "team", "'s", "[mask]"),
    ]
    parts = word_contributions(classifier, rows, [0, 1], np.eye(4)[:2])
    assert [tuple(map(word_key, own)) for own in parts.words] == counted


def test_words_are_counted_in_one_spelling(classifier: Classifier) -> None:
    rows = rows_from(["Oil, OIL ﬁre's 東京", "  "], classifier)
    assert row_words(rows, classifier)[0] == ("oil", ",", "oil", "fire", "'", "s", "東", "京")
    assert row_words(rows, classifier)[1] == ()
    assert word_key("Straße") == "strasse"
