"""The baseline learns what can be learned from words, of train alone."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.data.class_matching import align_rows
from finetune.data.rows import Rows, read_rows
from finetune.data.splits import Splits
from finetune.evaluation.baseline import (
    CLASSIFIERS,
    fit_vectorizer,
    has_no_spaces,
    joined_texts,
    measure_baselines,
)
from finetune.run.column_names import ColumnNames
from finetune.run.measurements import RegressionMetrics
from tests.finetune.news import LABELS, news, of_classes, rows_of, scored_reviews, write_csv


def table(rows: list[dict[str, Any]]) -> Rows:
    return rows_of({name: [row[name] for row in rows] for name in rows[0]})


def splits_of(train: Rows, validation: Rows, test: Rows | None = None) -> Splits:
    def named(rows: Rows) -> Rows:
        return align_rows(rows, train.names, where="a split")

    return Splits(
        train=train,
        validation=named(validation),
        test=None if test is None else named(test),
        labels=train.names,
        validation_origin="its own split or file",
        notes=(),
    )


@pytest.fixture(scope="module")
def splits() -> Splits:
    rows = news(150)
    return splits_of(table(rows[:90]), table(rows[90:120]), table(rows[120:]))


def test_both_families_learn_the_news(splits: Splits) -> None:
    made = measure_baselines(splits)
    assert [record.name for record in made] == ["TF-IDF + linear SVM", "TF-IDF + naive Bayes"]
    for record in made:
        assert of_classes(record.validation).accuracy > 0.95
        assert record.test is not None
        assert of_classes(record.test).accuracy > 0.95
        assert [row.label for row in of_classes(record.test).classes] == list(LABELS)
        assert record.setting.startswith("words 1 to 2, ")
        assert record.seconds > 0


def test_a_baseline_never_sees_test(splits: Splits) -> None:
    """Other test rows change its test metrics and nothing else."""
    assert splits.test is not None
    turned = dict(zip(LABELS, (*LABELS[1:], LABELS[0]), strict=True))
    wrong = replace(splits.test, labels=tuple((turned[name],) for (name,) in splits.test.labels))
    for right, other, alone in zip(
        measure_baselines(splits),
        measure_baselines(replace(splits, test=wrong)),
        measure_baselines(replace(splits, test=None)),
        strict=True,
    ):
        assert right.validation == other.validation == alone.validation
        assert right.setting == other.setting == alone.setting
        assert right.test is not None
        assert other.test is not None
        assert of_classes(other.test).accuracy < 0.05 < of_classes(right.test).accuracy
        assert alone.test is None


def test_words_of_validation_are_not_learned(splits: Splits) -> None:
    counted, _ = fit_vectorizer(splits.train)
    fresh = table([{"text": "zebra", "label": name} for name in LABELS])
    assert counted.transform(joined_texts(fresh)).nnz == 0


def test_the_setting_has_the_highest_macro_f1_on_validation() -> None:
    chance = np.random.default_rng(3)
    rows = news(200)
    for row in rows:
        if chance.random() < 0.4:
            row["label"] = str(chance.choice(LABELS))
    splits = splits_of(table(rows[:100]), table(rows[100:]))
    counted = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", dtype=np.float32
    )
    x = counted.fit_transform(splits.train.texts)
    y = [name for (name,) in splits.train.labels]
    gold = [name for (name,) in splits.validation.labels]
    scores = {
        value: f1_score(
            gold,
            LinearSVC(C=value, random_state=0)
            .fit(x, y)
            .predict(counted.transform(splits.validation.texts)),
            average="macro",
        )
        for value in CLASSIFIERS[0].values
    }
    svm = measure_baselines(splits)[0]
    assert of_classes(svm.validation).macro_f1 == pytest.approx(max(scores.values()), abs=1e-12)
    assert svm.setting == f"words 1 to 2, C {max(scores, key=scores.__getitem__):g}"


def test_several_classes_per_text() -> None:
    rows = [
        {"text": f"{a['text']} {b['text']}", "labels": sorted({a["label"], b["label"]})}
        for a, b in zip(news(60), reversed(news(60, seed=1)), strict=True)
    ]
    made = measure_baselines(splits_of(table(rows[:40]), table(rows[40:])))
    for record in made:
        assert of_classes(record.validation).confusion is None
        assert of_classes(record.validation).macro_f1 > 0.8


def test_a_class_that_train_lacks_is_never_called() -> None:
    rows = [{"text": row["text"], "labels": [row["label"]]} for row in news(30)]
    train = table(rows)
    some = [i for i, names in enumerate(train.labels) if names != ("World",)]
    made = measure_baselines(splits_of(train.select(some), train))
    for record in made:
        assert of_classes(record.validation).classes[LABELS.index("World")].recall == 0


def test_pairs_are_joined() -> None:
    pairs = rows_of({"text": ["a b", "c"], "text_pair": ["d", "e"], "label": ["x", "y"]})
    assert joined_texts(pairs) == ["a b [SEP] d", "c [SEP] e"]


@pytest.mark.parametrize(
    ("texts", "without"),
    [
        (["股市上涨了", "球队赢了比赛"], True),
        (["株価が上がる"], True),
        (["ราคาน้ำมัน"], True),
        (["주가가 오른다"], False),
        (["Ölpreise steigen", "ok"], False),
        (["12345 !!!"], False),
        (["a long English text about 股市", "and another"], False),
    ],
)
def test_the_script_decides_between_words_and_characters(texts: list[str], without: bool) -> None:
    rows = rows_of({"text": texts, "label": ["x"] * len(texts)})
    assert has_no_spaces(rows) == without


def test_chinese_is_learned_by_characters() -> None:
    good, bad = ("房间很干净", "服务真好"), ("房间很脏乱", "服务太差")
    rows = [
        {"text": f"第{i}天{text}", "label": name}
        for i in range(8)
        for name, texts in (("good", good), ("bad", bad))
        for text in texts
    ]
    for record in measure_baselines(splits_of(table(rows[:20]), table(rows[20:]))):
        assert record.setting.startswith("characters 1 to 3")
        assert of_classes(record.validation).accuracy == 1


def test_the_command_prints_both_on_every_split(tmp_path: Path) -> None:
    rows = news(90)
    files = {"data": rows[:50], "validation": rows[50:70], "test": rows[70:]}
    words = [
        word
        for name, part in files.items()
        for word in (f"--{name}", str(write_csv(tmp_path / f"{name}.csv", part)))
    ]
    result = CliRunner().invoke(app, ["baseline", *words])
    assert result.exit_code == 0, result.output
    for line in (
        r"validation: 20 rows", r"test: 20 rows", r"naive Bayes: words 1 to 2, alpha 0\.\d+; ",
        r"linear SVM +100\.00%  \(83\.89% to 100\.00%\)  macro F1 1\.0000",
    ):  # fmt: skip
        assert re.search(line, result.output), line


def test_texts_without_a_word_are_read_by_characters() -> None:
    rows = rows_of({"text": ["!!!", "???"] * 4, "label": ["loud", "asking"] * 4})
    for record in measure_baselines(splits_of(rows, rows)):
        assert of_classes(record.validation).accuracy == 1


def scores_of(rows: list[dict[str, str]]) -> Rows:
    return read_rows(Dataset.from_list(rows), "rows", ColumnNames(), regression=True)


def test_scores_are_predicted_by_ridge_regression_and_by_their_mean() -> None:
    rows = scored_reviews(300)
    train, validation, test = (scores_of(rows[i : i + 100]) for i in (0, 100, 200))
    splits = Splits(
        train=train,
        validation=validation,
        test=test,
        labels=("score",),
        validation_origin="its own split or file",
        notes=(),
    )
    mean, ridge = measure_baselines(splits)
    assert (mean.name, ridge.name) == ("mean of train", "TF-IDF + ridge regression")
    assert isinstance(mean.test, RegressionMetrics)
    assert isinstance(ridge.test, RegressionMetrics)
    expected = np.mean(train.scores or ())
    assert mean.test.mae == pytest.approx(np.abs(np.array(test.scores) - expected).mean())
    assert mean.test.pearson is None
    assert (ridge.test.r2 or 0) > 0.8
    assert ridge.test.points == ()


def test_the_command_measures_baselines_of_scores(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "x.csv", scored_reviews(80))
    result = CliRunner().invoke(app, ["baseline", "--data", str(data)])
    assert result.exit_code == 0, result.output
    assert "validation: 8 rows, correlation (95% interval)" in result.output
    result = CliRunner().invoke(app, ["baseline", "--data", str(data), "--task", "classes"])
    assert result.exit_code == 1
    assert "predict numbers with --task regression" in result.output
