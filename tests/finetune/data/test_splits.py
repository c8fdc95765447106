"""The splits of a run: cut, kept apart, and refused where nothing can be learned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict

from finetune.data.evaluation_rows import load_evaluation_rows
from finetune.data.rows import read_rows
from finetune.data.source_rows import find_splits
from finetune.data.splits import load_splits
from finetune.data.validation_split import cut_validation, drop_repeated
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames
from finetune.run.config import TrainConfig
from tests.finetune.news import LABELS, news, rows_of, write_csv, write_jsonl


def config(data: Path, **settings: Any) -> TrainConfig:
    return TrainConfig(data=(str(data),), model="base", output=Path("out"), **settings)


def test_a_cut_split_is_stratified_seeded_and_disjoint() -> None:
    labels = ["a"] * 700 + ["b"] * 290 + ["c"] * 9 + ["d"]
    rows = rows_of({"text": [f"text {i}" for i in range(1000)], "label": labels})
    train, validation = cut_validation(rows, seed=3)
    assert validation.counts("abcd") == {"a": 70, "b": 29, "c": 1, "d": 0}
    assert sorted(train.texts + validation.texts) == sorted(rows.texts)
    assert cut_validation(rows, seed=3)[1] == validation
    assert cut_validation(rows, seed=4)[1] != validation


def test_a_cut_split_has_two_thousand_rows_at_most() -> None:
    rows = rows_of({"text": [str(i) for i in range(22_000)], "label": ["a", "b"] * 11_000})
    assert len(cut_validation(rows, seed=0)[1]) == 2_000


def test_rows_of_several_classes_are_cut_by_their_rarest() -> None:
    labels = [["a"]] * 20 + [["a", "b"]] * 10 + [[]] * 10
    rows = rows_of({"text": [str(i) for i in range(40)], "label": labels})
    assert cut_validation(rows, seed=0)[1].counts("ab") == {"a": 3, "b": 1}


def test_texts_whose_labels_contradict_each_other_are_cut_and_leave_every_class_some() -> None:
    texts, labels = ["rain", "rain", "bread", "bread"], ["a", "b", "b", "a"]
    rows = rows_of({"text": texts, "label": labels})
    for seed in range(20):
        train, validation = cut_validation(rows, seed=seed)
        assert len(validation) == 1
        left = drop_repeated(train, [validation])
        assert left.counts("ab") == {"a": 1, "b": 1}


def test_a_text_of_two_classes_is_held_out_once() -> None:
    texts = [f"text {i}" for i in range(100)] * 2
    rows = rows_of({"text": texts, "label": ["a"] * 100 + ["b"] * 100})
    for seed in range(20):
        train, validation = cut_validation(rows, seed=seed)
        assert len(set(validation.texts)) == len(validation) == 19
        assert drop_repeated(train, [validation]).counts("ab") == {"a": 81, "b": 81}


def test_single_rows_of_each_class_are_too_few_to_cut() -> None:
    rows = rows_of({"text": ["x", "y"], "label": ["a", "b"]})
    with pytest.raises(DataError, match="2 training rows are too few"):
        cut_validation(rows, seed=0)


def test_texts_of_the_held_out_splits_leave_train() -> None:
    train = rows_of({"text": ["x", "y", "z"], "label": ["a", "b", "a"]})
    held_out = rows_of({"text": ["y"], "label": ["a"]})
    assert drop_repeated(train, [held_out]).texts == ("x", "z")


def test_splits_of_a_run_with_its_notes(tmp_path: Path) -> None:
    made = news(60)
    blank = {"text": " ", "label": "World"}
    train = write_csv(tmp_path / "train.csv", [*made, blank])
    validation = write_csv(tmp_path / "v.csv", made[:6])
    test = write_csv(tmp_path / "t.csv", news(66, seed=9)[60:])
    splits = load_splits(config(train, validation=str(validation), test=str(test)))
    assert (len(splits.train), len(splits.validation)) == (54, 6)
    assert splits.test is not None
    assert splits.labels == ("Business", "Sports", "World")
    assert splits.notes == (
        "Left out of train: 1 with a blank text.",
        "Left out of train: 6 found again in validation or test.",
    )


def test_without_validation_some_training_rows_become_it(tmp_path: Path) -> None:
    splits = load_splits(config(write_csv(tmp_path / "x.csv", news(60))))
    assert (len(splits.train), len(splits.validation), splits.test) == (54, 6, None)
    assert splits.validation_origin.startswith("rows split off from the training data")


def test_a_split_without_labels_is_left_out_and_said(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", news(60))
    write_jsonl(tmp_path / "test.jsonl", [{"text": "x", "label": None}] * 3)
    splits = load_splits(config(tmp_path))
    assert splits.test is None
    assert splits.notes == ("Left out of test: 3 with no label.",)


def test_a_named_file_without_labels_is_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(30))
    blank = write_csv(tmp_path / "v.csv", [{"text": "x", "label": ""}])
    with pytest.raises(DataError, match=r"'v.csv' has no row with both a text and a label"):
        load_splits(config(train, validation=str(blank)))


def test_a_test_split_never_becomes_validation(tmp_path: Path) -> None:
    for name, seed in (("train", 0), ("test", 1)):
        write_csv(tmp_path / f"{name}.csv", news(60, seed=seed)[:30])
    splits = load_splits(config(tmp_path))
    assert splits.test is not None
    assert not set(splits.validation.texts) & set(splits.test.texts)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "x", "label": "a"}] * 5, "all training rows have the class 'a'"),
        ([{"text": f"x{i}", "label": f"c{i}"} for i in range(9)], "9 different labels in 9 rows"),
        ([{"text": "", "label": "a"}] * 3, "no training row is left"),
    ],
)
def test_data_that_teaches_nothing_is_refused(
    rows: list[dict[str, str]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        load_splits(config(write_csv(tmp_path / "x.csv", rows)))


def test_a_validation_class_that_train_lacks_is_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(30))
    odd = write_csv(tmp_path / "v.csv", [{"text": "x", "label": "Weather"}])
    with pytest.raises(DataError, match="the validation split has the class 'Weather'"):
        load_splits(config(train, validation=str(odd)))


def test_training_rows_that_are_all_held_out_are_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(30))
    with pytest.raises(DataError, match="no training row is left"):
        load_splits(config(train, validation=str(train)))


def test_pairs_in_validation_alone_are_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(30))
    odd = write_csv(tmp_path / "v.csv", [{**row, "text_pair": "y"} for row in news(6)])
    with pytest.raises(DataError, match="only one of train and validation has a second text"):
        load_splits(config(train, validation=str(odd)))


def test_lists_in_validation_alone_are_refused(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(30))
    odd = write_jsonl(tmp_path / "v.jsonl", [{"text": "x", "label": ["World"]}])
    with pytest.raises(DataError, match="validation has lists of labels but train has none"):
        load_splits(config(train, validation=str(odd)))


def test_lists_that_are_all_empty_are_refused(tmp_path: Path) -> None:
    rows = [{"text": f"x{i}", "label": []} for i in range(5)]
    with pytest.raises(DataError, match="all training rows have no class"):
        load_splits(config(write_jsonl(tmp_path / "x.jsonl", rows)))


def test_a_data_set_without_train_is_refused(tmp_path: Path) -> None:
    for name in ("validation", "test"):
        write_csv(tmp_path / f"{name}.csv", news(6))
    with pytest.raises(DataError, match=r"has no train file; it has test.csv, validation.csv"):
        load_splits(config(tmp_path))


def test_evaluation_takes_the_test_split_first(tmp_path: Path) -> None:
    for name, size in (("train", 30), ("validation", 9), ("test", 6)):
        write_csv(tmp_path / f"{name}.csv", news(size))
    rows, split, *_ = load_evaluation_rows(str(tmp_path), LABELS, split=None, columns=ColumnNames())
    assert (len(rows), split) == (6, "test")
    train, *_ = load_evaluation_rows(str(tmp_path), LABELS, split="train", columns=ColumnNames())
    assert len(train) == 30
    write_csv(tmp_path / "test.csv", [{"text": " ", "label": "World"}])
    with pytest.raises(DataError, match="has no row with both"):
        load_evaluation_rows(str(tmp_path), LABELS, split=None, columns=ColumnNames())
    with pytest.raises(DataError, match="no split 'dev'"):
        load_evaluation_rows(str(tmp_path), LABELS, split="dev", columns=ColumnNames())


@pytest.mark.parametrize("other", ["train_sentences.csv", "notes.json", None])
def test_a_folder_without_a_train_file_trains_on_nothing_else(
    other: str | None, tmp_path: Path
) -> None:
    names = sorted(name for name in ("validation.csv", other) if name)
    for name in names:
        write_csv(tmp_path / name, news(30))
    with pytest.raises(DataError, match=f"has no train file; it has {', '.join(names)}"):
        load_splits(config(tmp_path))


def test_two_files_of_one_role_are_refused(tmp_path: Path) -> None:
    for name in ("train", "dev", "val"):
        write_csv(tmp_path / f"{name}.csv", news(30))
    with pytest.raises(DataError, match=r"has 2 validation files, dev.csv, val.csv; keep one"):
        load_splits(config(tmp_path))


def test_files_of_a_folder_that_are_not_read_are_said(tmp_path: Path) -> None:
    for name in ("train", "train_sentences", "extra"):
        write_csv(tmp_path / f"{name}.csv", news(30))
    (note,) = load_splits(config(tmp_path)).notes
    assert note == f"Not read in folder {tmp_path.name!r}: extra.csv, train_sentences.csv."


def test_splits_of_a_data_set_that_are_not_read_are_said(tmp_path: Path) -> None:
    data = Dataset.from_list(news(30))
    DatasetDict(train=data, unsupervised=data).save_to_disk(tmp_path / "saved")
    (note,) = load_splits(config(tmp_path / "saved")).notes
    assert note == "Not read of data set 'saved': unsupervised."


def test_two_splits_of_one_role_are_refused(tmp_path: Path) -> None:
    data = Dataset.from_list(news(30))
    DatasetDict(train=data, dev=data, validation=data).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match="'saved' has 2 validation splits, dev, validation; save"):
        load_splits(config(tmp_path / "saved"))


def test_a_split_without_labels_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", news(30))
    write_csv(tmp_path / "test.csv", [{"text": row["text"]} for row in news(3)])
    with pytest.raises(DataError, match=f"no label column among 'text' of '{tmp_path.name}/test."):
        load_splits(config(tmp_path))
    saved = DatasetDict(train=Dataset.from_list(news(30)), test=Dataset.from_dict({"text": ["x"]}))
    saved.save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match="no label column among 'text' of 'saved/test';"):
        load_splits(config(tmp_path / "saved"))


def test_a_further_file_with_other_classes_is_held_against_the_first(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "first.csv", news(30))
    other = write_csv(tmp_path / "other.csv", [{"text": str(i), "label": "7"} for i in range(9)])
    both = replace(config(first), data=(str(first), str(other)))
    with pytest.raises(DataError, match="a further training file has the class '7'; those before"):
        load_splits(both)


def test_a_first_file_without_labels_leaves_all_to_the_others(tmp_path: Path) -> None:
    none = write_csv(tmp_path / "none.csv", [{"text": "x", "label": ""}])
    numbered = [{"text": str(i), "label": i % 3} for i in range(9)]
    named = [row | {"label_name": LABELS[i % 3]} for i, row in enumerate(numbered)]
    first = write_csv(tmp_path / "first.csv", named)
    other = write_csv(tmp_path / "other.csv", numbered)
    files = (str(none), str(first), str(other))
    found = find_splits(replace(config(first), data=files))
    assert (len(found.rows["train"]), found.rows["train"].unlabeled) == (18, 1)
    (sentence,) = found.numbered
    assert sentence.startswith("The labels of a training file are numbers, read as")
    assert find_splits(replace(config(first), data=(files[1], files[0]))).numbered == ()


def test_test_files_that_do_not_match_are_called_so(tmp_path: Path) -> None:
    of_files: tuple[list[Any], ...] = (["good"], [1, 0])
    for number, labels in enumerate(of_files):
        (tmp_path / f"{number}").mkdir()
        write_csv(tmp_path / f"{number}" / "train.csv", news(30))
        rows = [{"text": f"{label}", "label": label} for label in labels]
        write_csv(tmp_path / f"{number}" / "test.csv", rows)
    both = (str(tmp_path / "0"), str(tmp_path / "1"))
    with pytest.raises(DataError, match="a further test file has the class '0'; those before it"):
        find_splits(replace(config(tmp_path), data=both))


def test_a_single_file_is_what_its_option_says(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "test.csv", news(30))
    validation = write_csv(tmp_path / "train.csv", news(36)[30:])
    splits = load_splits(config(train, validation=str(validation)))
    assert (len(splits.train), len(splits.validation), splits.test) == (30, 6, None)


def test_a_saved_data_set_without_splits_is_trained_on(tmp_path: Path) -> None:
    Dataset.from_list(news(30)).save_to_disk(tmp_path)
    assert len(load_splits(config(tmp_path)).train) == 27


def test_a_folder_given_for_test_needs_a_test_file(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", news(30))
    with pytest.raises(DataError, match=r"has no test file; it has train.csv"):
        load_splits(config(train, test=str(tmp_path)))


def test_texts_of_test_are_not_cut_into_validation(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", news(60))
    write_csv(tmp_path / "test.csv", news(60)[:40])
    splits = load_splits(config(tmp_path))
    assert splits.test is not None
    assert not set(splits.validation.texts) & set(splits.test.texts)
    assert splits.notes == ("Left out of train: 40 found again in validation or test.",)
    assert len(splits.train) + len(splits.validation) == 20


def test_repeated_texts_are_cut_together(tmp_path: Path) -> None:
    splits = load_splits(config(write_csv(tmp_path / "x.csv", news(30) * 2)))
    assert not set(splits.train.texts) & set(splits.validation.texts)
    assert (len(splits.train), len(splits.validation)) == (54, 3)


def test_one_text_a_class_is_too_few_to_cut(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "x.csv", news(3)[:2] * 10)
    with pytest.raises(DataError, match="20 training rows are too few to cut a validation"):
        load_splits(config(data))


def test_two_rows_a_class_are_enough_to_cut(tmp_path: Path) -> None:
    rows = [{"text": text, "label": label} for text, label in zip("wxyz", "aabb", strict=True)]
    splits = load_splits(config(write_csv(tmp_path / "x.csv", rows)))
    assert (len(splits.train), len(splits.validation)) == (2, 2)


def test_a_class_that_is_all_held_out_is_said(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", news(6)[:2] * 2)
    test = write_csv(tmp_path / "t.csv", news(1))
    with pytest.raises(DataError, match="the class 'Sports' once 2 found again in validation or"):
        load_splits(config(train, test=str(test)))


@pytest.mark.parametrize(("name", "split"), [("held-out", "all"), ("test", "test")])
def test_a_single_file_is_measured_under_its_role(name: str, split: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / f"{name}.csv", news(6))
    assert load_evaluation_rows(str(path), LABELS, split=None, columns=ColumnNames()).split == split


def scored(*scores: Any) -> list[dict[str, Any]]:
    return [{"text": f"text {i}", "label": score} for i, score in enumerate(scores)]


def test_scores_are_cut_over_their_range() -> None:
    scores = [i / 10 for i in range(1000)]
    data = Dataset.from_list(scored(*scores))
    rows = read_rows(data, "rows", ColumnNames(), regression=True)
    train, validation = cut_validation(rows, seed=0)
    assert len(validation) == 100
    bins = [int(score // 10) for score in validation.scores or ()]
    assert [bins.count(number) for number in range(10)] == [10] * 10
    assert sorted((train.scores or ()) + (validation.scores or ())) == scores


@pytest.mark.parametrize("scores", [[1.5, 1.5, 1.5, 2.0], [0.5] * 15 + [1.5] * 15])
def test_few_or_equal_scores_are_cut_too(scores: list[float], tmp_path: Path) -> None:
    rows = read_rows(Dataset.from_list(scored(*scores)), "rows", ColumnNames(), regression=True)
    train, validation = cut_validation(rows, seed=0)
    assert len(train) + len(validation) == len(scores)
    assert 1 <= len(validation) <= len(scores) // 3


def test_fractions_in_any_file_make_all_of_them_scores(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", scored(*[1, 2, 3, 4] * 10))
    test = write_csv(tmp_path / "t.csv", [{"text": "x", "label": 2.5}, {"text": "y", "label": 1}])
    splits = load_splits(config(train, test=str(test)))
    assert splits.labels == ("score",)
    assert splits.test is not None
    assert splits.test.scores == (2.5, 1.0)
    assert splits.train.regression
    assert splits.validation.regression
    assert (
        splits.validation_origin
        == "rows split off from the training data, over the range of scores"
    )


def test_task_decides_what_numbers_are(tmp_path: Path) -> None:
    whole = write_csv(tmp_path / "x.csv", scored(*[1, 2, 3, 4] * 10))
    assert load_splits(config(whole)).labels == ("1", "2", "3", "4")
    assert load_splits(config(whole, task="regression")).labels == ("score",)
    for labels in (["1.5", "2.5"], [1.5, 2.5]):
        fractions = write_jsonl(tmp_path / "x.jsonl", scored(*labels * 10))
        assert load_splits(config(fractions)).labels == ("score",)
        assert load_splits(config(fractions, task="classes")).labels == ("1.5", "2.5")


def test_lists_of_labels_and_scores_do_not_mix(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "x.csv", scored(*[1.5, 2.5] * 10))
    lists = write_jsonl(tmp_path / "v.jsonl", [{"text": "x", "label": ["a", "b"]}] * 3)
    with pytest.raises(DataError, match=r"holds \"\['a', 'b'\]\", which is not a score"):
        load_splits(config(train, validation=str(lists)))
    with pytest.raises(DataError, match="which is not a score"):
        load_splits(config(lists, task="regression"))


def test_equal_scores_are_refused(tmp_path: Path) -> None:
    flat = write_csv(tmp_path / "flat.csv", scored(*[1.5] * 20))
    with pytest.raises(DataError, match=r"all rows of train have the score 1.5; two different"):
        load_splits(config(flat))
    train = write_csv(tmp_path / "x.csv", [{"text": f"x{i}", "label": i / 2} for i in range(9)])
    with pytest.raises(DataError, match=r"all rows of validation have the score 1.5"):
        load_splits(config(train, validation=str(flat)))


def test_missing_scores_are_left_out_and_said(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "x.csv", scored(*[1.5, "", 2.5, "nan"] * 10))
    splits = load_splits(config(data))
    assert splits.notes == ("Left out of train: 20 with no label.",)


def test_evaluation_rows_have_the_kind_of_the_checkpoint(tmp_path: Path) -> None:
    data = str(write_csv(tmp_path / "x.csv", scored(1, 2, 3)))
    rows, *_ = load_evaluation_rows(
        data, ("score",), split=None, columns=ColumnNames(), regression=True
    )
    assert rows.scores == (1, 2, 3)
