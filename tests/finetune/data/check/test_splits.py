"""The data check: what stops, what warns, what is only noted, and what is passed over."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finetune.data.check import CheckReport, Finding, check_splits, label_typos
from finetune.data.check.invisible_characters import quoted
from finetune.data.check.label_typos import typo_findings
from finetune.data.check.labels import normalized_name
from finetune.data.check.report import NOT_COUNTED
from finetune.data.source_rows import SourceRows, find_splits
from finetune.data.splits import load_splits
from finetune.run.config import TrainConfig
from tests.finetune.news import news, rows_of, write_jsonl

Row = dict[str, Any]


def check(folder: Path, train: list[Row], **held_out: list[Row]) -> CheckReport:
    """The report on rows written as files."""
    files: dict[str, Any] = {
        role: str(write_jsonl(folder / f"{role}.jsonl", rows)) for role, rows in held_out.items()
    }
    data = (str(write_jsonl(folder / "rows.jsonl", train)),)
    return check_splits(find_splits(TrainConfig(data=data, model="", output=Path("out"), **files)))


def of_kind(report: CheckReport, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def sentence(report: CheckReport, kind: str) -> str:
    (finding,) = of_kind(report, kind)
    return finding.sentence


def relabeled(rows: list[Row], old: str, new: str, count: int) -> list[Row]:
    """*rows* with the first *count* rows of label *old* called *new*."""
    which = [i for i, row in enumerate(rows) if row["label"] == old][:count]
    return [row | {"label": new} if i in which else row for i, row in enumerate(rows)]


def test_clean_rows_have_nothing_said_against_them(tmp_path: Path) -> None:
    rows = [
        {"text": f"{number} {word * 3} {number**3}", "label": label}
        for number in range(17, 57)
        for word, label in (("rain", "weather"), ("bread", "food"))
    ]
    report = check(tmp_path, rows[:60], validation=rows[60:])
    assert report.findings == ()
    assert not report.fatal
    assert report.describe() == (
        "Rows: 60 train, 20 validation; 2 classes.\nColumns: text 'text', label 'label'.\n"
        f"{NOT_COUNTED}\n"
        "No problems found in this data."
    )


# --- labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        "sports ",
        "SPORTS",
        "Spo rts",
        "Ｓports",
        "Spo\u200brts",
        "\ufeffSports",
        "Sports\u200e",
        "Spor\u00adts",
        "Sports\ufe0f",
        "Spo\u00a0rts",
        "Sports\x00",
    ],
)
def test_labels_that_differ_only_in_how_they_are_written_stop(tmp_path: Path, other: str) -> None:
    report = check(tmp_path, relabeled(news(60), "Sports", other, 5))
    assert report.fatal
    named = sorted({"Sports": 15, other.strip(): 5}.items())
    counts = ", ".join(f"{quoted(name)} {count}" for name, count in named)
    assert sentence(report, "labels alike") == (
        "Labels that differ only by case, blanks, invisible characters or Unicode form would be"
        f" classes of their own: {counts}; write them the same way."
    )
    assert of_kind(report, "labels alike")[0].count == 20


def test_blanks_around_a_label_are_read_as_one_and_said(tmp_path: Path) -> None:
    report = check(tmp_path, relabeled(news(60), "Sports", " Sports ", 5))
    assert not report.fatal
    assert sentence(report, "label spelling") == (
        "Read as the label 'Sports' although written differently: ' Sports ' 5."
    )


def test_a_held_out_label_in_other_case_is_read_as_one_and_said(tmp_path: Path) -> None:
    validation = [row | {"label": row["label"].upper()} for row in news(66)[60:]]
    report = check(tmp_path, news(60), validation=validation)
    assert not report.fatal
    assert {finding.count for finding in of_kind(report, "label spelling")} == {2}
    assert "'SPORTS' 2" in " ".join(f.sentence for f in of_kind(report, "label spelling"))


def test_a_rare_label_one_typo_away_is_a_warning(tmp_path: Path) -> None:
    report = check(tmp_path, relabeled(news(120), "Sports", "Sprots", 3))
    assert not report.fatal
    assert sentence(report, "label typo") == (
        "The label 'Sprots' (rows: 3) may be a typo of 'Sports' (37)."
    )


@pytest.mark.parametrize("other", ["Sports2", "Sportive"])
def test_numbered_and_other_labels_are_no_typo(tmp_path: Path, other: str) -> None:
    assert not of_kind(check(tmp_path, relabeled(news(120), "Sports", other, 3)), "label typo")


def test_labels_that_are_all_rare_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row a label of its own would be as many pairs as the square of the rows."""

    def refuse(*_: str) -> bool:
        raise AssertionError

    monkeypatch.setattr(label_typos, "is_one_typo", refuse)
    assert list(typo_findings({f"title {name}": 1 for name in "abcdefgh"}, normalized_name)) == []


def test_frequent_twins_are_no_typo(tmp_path: Path) -> None:
    rows = relabeled(news(120), "Sports", "Sport", 20)
    assert not of_kind(check(tmp_path, rows), "label typo")


def test_one_class_stops(tmp_path: Path) -> None:
    report = check(tmp_path, [row | {"label": "all"} for row in news(30)])
    assert sentence(report, "too few classes") == (
        "Train has only the class 'all'; two classes are needed."
    )
    assert report.fatal


def test_no_usable_row_stops(tmp_path: Path) -> None:
    report = check(tmp_path, [{"text": " ", "label": "a"}, {"text": "x", "label": None}])
    assert report.verdict() == "Train has no row with both a text and a label"
    assert {f.kind: f.count for f in report.findings} == {
        "no row": 0,
        "blank text": 1,
        "no label": 1,
    }


def test_rows_that_are_all_held_out_stop(tmp_path: Path) -> None:
    report = check(tmp_path, news(30), validation=news(30))
    assert report.fatal
    assert report.verdict().startswith("No row of train is left")


def test_a_held_out_class_that_train_lacks_stops_with_the_name_that_may_be_meant(
    tmp_path: Path,
) -> None:
    validation = relabeled(news(66)[60:], "Sports", "Sprots", 1)
    report = check(tmp_path, news(60), validation=validation)
    assert report.verdict() == (
        "Train has no row of 'Sprots', a class of validation ('Sprots' is close to 'Sports'); write"
        " it as in train, or add such rows to train"
    )
    assert of_kind(report, "class unknown to train")[0].count == 1


def test_a_held_out_split_of_another_kind_stops(tmp_path: Path) -> None:
    validation = [row | {"text_pair": "y"} for row in news(66)[60:]]
    report = check(tmp_path, news(60), validation=validation)
    assert report.verdict() == "Only one of train and validation has a second text; give one kind"


TEXTS = st.sampled_from(("rain", "bread", "sun", "fish", "snow"))
LABELED = st.tuples(TEXTS, st.sampled_from("abcd"))


@settings(max_examples=300, deadline=None)
@given(st.lists(LABELED, min_size=1), st.lists(LABELED), st.lists(LABELED))
@example([("rain", "a"), ("rain", "b"), ("bread", "b"), ("bread", "a")], [], [])
def test_what_the_check_lets_through_the_loader_takes(
    train: list[tuple[str, str]],
    validation: list[tuple[str, str]],
    test: list[tuple[str, str]],
) -> None:
    rows = {
        role: rows_of({"text": [text for text, _ in rows], "label": [name for _, name in rows]})
        for role, rows in (("train", train), ("validation", validation), ("test", test))
        if rows
    }
    found = SourceRows(rows=rows, spellings={}, unread=())
    if not check_splits(found).fatal:
        load_splits(TrainConfig(data=("x",), model="", output=Path("out")), found)


# --- counts ------------------------------------------------------------------------------------


def test_a_class_with_one_text_stops_even_where_it_is_repeated(tmp_path: Path) -> None:
    report = check(tmp_path, [*news(60), *[{"text": "rain all day", "label": "Weather"}] * 3])
    assert report.verdict() == (
        "Fewer than two different texts are left in train for 'Weather'; add some, or leave the"
        " class out"
    )


def test_a_class_whose_texts_are_all_held_out_stops(tmp_path: Path) -> None:
    storms = [{"text": f"storm over {place}", "label": "Weather"} for place in ("Oslo", "Rome")]
    report = check(tmp_path, [*news(60), *storms], validation=storms)
    assert "'Weather'" in sentence(report, "class too small")


def test_small_classes_are_named_with_their_rows(tmp_path: Path) -> None:
    storms = [{"text": f"storm over {place}", "label": "Weather"} for place in ("Oslo", "Rome")]
    report = check(tmp_path, [*news(60), *storms])
    assert sentence(report, "few rows") == (
        "Classes with fewer than 10 rows in train: 'Weather' 2; they will hardly be learned."
    )


@pytest.mark.parametrize(
    ("rows", "severity"), [(11, None), (20, "note"), (100, "note"), (101, "warning")]
)
def test_imbalance_is_noted_from_two_and_warned_about_above_ten(
    tmp_path: Path, rows: int, severity: str | None
) -> None:
    made = [
        {"text": f"{i * 7919} {i**4}", "label": "a" if i < 10 else "b"} for i in range(10 + rows)
    ]
    found = of_kind(check(tmp_path, made), "imbalance")
    assert [finding.severity for finding in found] == ([severity] if severity else [])


# --- texts -------------------------------------------------------------------------------------


def test_repeated_rows_and_conflicting_labels_are_told_apart(tmp_path: Path) -> None:
    rows = news(60)
    torn = rows[0] | {"label": "Sports"}
    report = check(tmp_path, [*rows, rows[5], rows[5], torn])
    (repeated,) = of_kind(report, "repeated within split")
    (conflict,) = of_kind(report, "conflicting labels")
    assert (repeated.count, conflict.count) == (2, 1)
    assert repeated.examples == (f"3 times: {rows[5]['text']}",)
    assert conflict.examples == (f"Business / Sports: {rows[0]['text']}",)


def test_one_text_with_two_lists_of_labels_is_a_conflict_in_any_order_of_the_list(
    tmp_path: Path,
) -> None:
    rows = [{"text": row["text"], "labels": [row["label"]]} for row in news(30)]
    lists = [["World", "Sports"], ["Sports", "World"], ["Sports"]]
    report = check(tmp_path, [*rows, *({"text": "cup final", "labels": names} for names in lists)])
    assert of_kind(report, "repeated within split")[0].count == 1
    (conflict,) = of_kind(report, "conflicting labels")
    assert conflict.examples == ("Sports+World / Sports: cup final",)


def test_texts_of_two_splits_are_counted_for_each_pair_of_splits(tmp_path: Path) -> None:
    rows = news(70)
    report = check(tmp_path, rows[:60], validation=rows[58:65], test=rows[64:])
    assert sentence(report, "repeated in held-out") == (
        "Found again word for word in validation: 2 rows of train, left out of training."
    )
    assert sentence(report, "shared by held-out") == (
        "Found again word for word in test: 1 row of validation."
    )


# --- the report --------------------------------------------------------------------------------


def test_the_report_puts_what_stops_first_and_keeps_rows_out_of_the_file_on_demand(
    tmp_path: Path,
) -> None:
    rows = news(60)
    report = check(tmp_path, relabeled([*rows, rows[0]], "Sports", "sports", 3))
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["stop", "warning", "note"].index)
    assert rows[0]["text"] in json.dumps(report.to_dict())
    report.save(tmp_path / "check.json", examples=False)
    saved = json.loads((tmp_path / "check.json").read_text("utf-8"))
    assert saved["fatal"] is True
    assert rows[0]["text"] not in json.dumps(saved)
    assert saved == report.to_dict(examples=False)


def test_kinds_that_are_told_elsewhere_can_be_left_out(tmp_path: Path) -> None:
    report = check(tmp_path, [*news(60), {"text": "", "label": "World"}])
    assert report.sentences("warning", without={"near copies within split"}) == (
        "Left out of train: 1 row with a blank text.",
    )
    assert "blank" not in " ".join(report.sentences("warning", without={"blank text"}))


# --- scores ------------------------------------------------------------------------------------


def scored(*scores: float) -> list[Row]:
    return [{"text": f"{i**3} rain {i} bread {i**5}", "label": s} for i, s in enumerate(scores)]


def test_scores_are_told_by_their_range_and_not_as_classes(tmp_path: Path) -> None:
    report = check(tmp_path, scored(1, 2.5, 2.5, 4), validation=scored(3, 4)[:1])
    assert report.describe().startswith("Rows: 4 train, 1 validation.\n")
    assert sentence(report, "scores") == (
        "Scores of train run from 1 to 4, mean 2.5, standard deviation 1.061."
    )
    for kind in ("few rows", "imbalance", "class too small", "labels alike", "label spelling"):
        assert not of_kind(report, kind)


@pytest.mark.parametrize(
    ("role", "severity"), [("train", "stop"), ("validation", "stop"), ("test", "warning")]
)
def test_scores_that_are_all_equal_teach_and_measure_nothing(
    role: str, severity: str, tmp_path: Path
) -> None:
    parts = {"train": scored(1, 2.5, 4), "validation": scored(1, 2.5), "test": scored(1, 2.5)}
    parts[role] = scored(1.5, 1.5)
    report = check(tmp_path, **parts)
    (finding,) = of_kind(report, "scores equal")
    assert finding.severity == severity
    what = "learn" if role == "train" else "measure"
    assert finding.sentence == f"All rows of {role} have the score 1.5; there is nothing to {what}."
    assert report.fatal == (severity == "stop")


def test_a_text_with_two_scores_is_torn(tmp_path: Path) -> None:
    rows = scored(1, 2.5, 4, 3)
    rows[3]["text"] = rows[1]["text"]
    (finding,) = of_kind(check(tmp_path, [*rows, rows[0]]), "conflicting labels")
    assert (finding.count, finding.examples[0].partition(":")[0]) == (1, "2.5 / 3")
    assert len(of_kind(check(tmp_path, [*rows, rows[0]]), "repeated within split")) == 1


def test_no_row_with_a_score_is_said(tmp_path: Path) -> None:
    report = check(tmp_path, [{"text": "", "label": 1.5}, {"text": " ", "label": 2.5}])
    assert sentence(report, "no row") == "Train has no row with both a text and a label."
