"""Files of texts: the columns that are found by their usual names."""

from pathlib import Path

import pytest

from finetune.tables import columns
from viz import texts
from viz.texts import open_texts


def test_the_usual_names_are_those_that_fine_tuning_knows() -> None:
    assert set(texts.LABELS) == set(columns.LABELS)
    assert (texts.TEXTS, texts.PAIRS) == (columns.TEXTS, columns.PAIRS)


@pytest.mark.parametrize("name", ["score", "Rating", "stars", "coarse_label"])
def test_a_column_of_scores_is_the_gold_label(name: str, tmp_path: Path) -> None:
    file = tmp_path / "films.csv"
    file.write_text(f"text,{name}\na fine film,4.5\n", "utf-8")
    found = open_texts(file)
    assert (found.columns.label, found.rows[0].gold_label) == (name, "4.5")


def test_the_name_of_a_class_goes_before_its_number(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text("text,label,label_name\noil prices rise,2,Business\n", "utf-8")
    assert open_texts(file).rows[0].gold_label == "Business"
