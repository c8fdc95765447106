"""A judge for which hidden words are ordinary: the same orders, measured by a twin."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from finetune.checkpoint.windows import WindowSettings
from finetune.evaluation.metrics import wilson_interval
from tests.tiny_models import LABELS, tiny_checkpoint
from viz import Classifier
from viz.errors import MethodError, RecordError, SelectionError
from viz.faithfulness import judge as judge_module
from viz.faithfulness.compare import Comparison, compare
from viz.faithfulness.judge import Judge
from viz.faithfulness.limits import LimitSearch
from viz.faithfulness.metrics import measure
from viz.faithfulness.record import FaithfulnessRecord, content_of, load
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.model.perturbation import OPERATORS
from viz.model.text_files import Texts, open_texts

TEXT = "Oil prices rise as stocks fall, the market was not good"
ROWS = (
    ("Oil prices rise as stocks fall", "Business"),
    ("oil prices", "World"),
    ("team wins the game and the market rise", "sports"),
    ("space probe finds ice on moon", ""),
    ("election peace talks minister wins", "World"),
)
METHODS = ("decomposition", "attention", "saliency", "random")


@pytest.fixture(scope="module")
def double(checkpoint: Path) -> Classifier:
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def twin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("twins") / "twin", seed=1)


@pytest.fixture(scope="module")
def twin(twin_folder: Path) -> Classifier:
    return Classifier.load(twin_folder, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def comparison(double: Classifier) -> Comparison:
    limits = LimitSearch(n_versions=40)
    return compare(double, double.read(TEXT), METHODS, seed=3, limits=limits)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    path = tmp_path_factory.mktemp("texts") / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *ROWS])
    return open_texts(path)


def scored(
    classifier: Classifier, texts: Texts, folder: Path, twin: Classifier
) -> FaithfulnessRecord:
    run = ScoreRun(
        classifier, texts, ScoreConfig(METHODS, n_random=4), folder, Judge(classifier, twin)
    )
    list(run.score(run.rows_left()))
    return summarize(classifier, texts, run.config, run.results(), run.judge)


@pytest.fixture(scope="module")
def record(
    double: Classifier, twin: Classifier, texts: Texts, tmp_path_factory: pytest.TempPathFactory
) -> FaithfulnessRecord:
    return scored(double, texts, tmp_path_factory.mktemp("lines"), twin)


def test_the_original_as_its_own_judge_says_the_same(
    double: Classifier, comparison: Comparison
) -> None:
    judge = Judge(double, double)
    versions = judge.versions(double.encode(TEXT))
    same = judge.measure(comparison, versions, seed=3)
    assert judge.predicted_class(versions) == comparison.target.target_class
    for operator in OPERATORS:
        for one, other in zip(comparison.rows, same.rows, strict=True):
            assert other.measures[operator] == pytest.approx(one.measures[operator], abs=1e-12)
            share = comparison.share(one, operator)
            assert same.share(other, operator) == pytest.approx(share, abs=1e-9)
        for drawn, drawn_again in zip(
            comparison.random[operator], same.random[operator], strict=True
        ):
            assert drawn_again == pytest.approx(drawn, abs=1e-12)
        own, again = comparison.limits[operator], same.limits[operator]
        assert (again.worst, again.best) == pytest.approx((own.worst, own.best), abs=1e-12)


def test_a_twin_is_asked_about_the_orders_of_the_original(
    double: Classifier, twin: Classifier, comparison: Comparison
) -> None:
    judge = Judge(double, twin)
    versions = judge.versions(double.encode(TEXT))
    judged = judge.measure(comparison, versions, seed=3)
    assert judged.target == comparison.target
    for one, other in zip(comparison.rows, judged.rows, strict=True):
        assert one.scores is not None
        for operator in OPERATORS:
            expected = measure(versions, comparison.target, one.scores, operator, seed=3)
            assert other.measures[operator] == pytest.approx(expected, abs=1e-12)
            assert other.measures[operator]["aopc"] != one.measures[operator]["aopc"]
    for operator in OPERATORS:
        limits = judged.limits[operator]
        assert judged.best_aopc(operator) >= limits.best
        # An order that is the best for the original need not be the best for another.
        scores = -np.argsort(limits.best_order).astype(float)
        of_order = measure(versions, comparison.target, scores, operator)
        assert of_order["aopc"] == pytest.approx(limits.best, abs=1e-12)


def other_labels(folder: Path) -> Path:
    return tiny_checkpoint(folder, labels=LABELS[::-1])


def several_classes(folder: Path) -> Path:
    return tiny_checkpoint(folder, problem_type="multi_label_classification")


def other_vocabulary(folder: Path) -> Path:
    return tiny_checkpoint(folder, "roberta")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (other_labels, "has the classes 'Sci/Tech', 'Business', 'Sports', 'World', and"),
        (several_classes, "has another kind of head than 'tiny-bert'"),
        (other_vocabulary, "has another vocabulary than 'tiny-bert'; name a twin that was"),
    ],
)
def test_a_twin_of_something_else_is_refused(
    make: Callable[[Path], Path], sentence: str, classifier: Classifier, tmp_path: Path
) -> None:
    other = Classifier.load(make(tmp_path / "other"))
    with pytest.raises(SelectionError, match=f"^The judge 'other' {sentence}"):
        Judge(classifier, other)


def test_a_twin_that_cuts_texts_elsewhere_is_refused_before_anything_is_scored(
    classifier: Classifier, texts: Texts, tmp_path: Path
) -> None:
    folder = tiny_checkpoint(tmp_path / "short", seed=1)
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    settings["model_max_length"] = 8
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    judge = Judge(classifier, Classifier.load(folder))
    with pytest.raises(SelectionError, match=r"^Row 2 is other tokens to the judge 'short' than"):
        ScoreRun(classifier, texts, ScoreConfig(("attention",)), tmp_path / "lines", judge)
    with pytest.raises(SelectionError, match=r"\(8 and 64 are read at most\); name a twin that"):
        judge.versions(classifier.encode(TEXT))


def test_the_record_says_what_the_twin_says(
    record: FaithfulnessRecord, double: Classifier, twin: Classifier, tmp_path: Path
) -> None:
    judge = record.judge
    assert judge is not None
    assert (judge.checkpoint, judge.fingerprint) == ("twin", twin.fingerprint)
    assert (judge.n_texts, judge.masking) == (4, None)
    read = [row for row in ROWS if len(row[0].split()) > 2]
    predicted = [[each.read(text).prediction for text, _ in read] for each in (double, twin)]
    classes = [[one.predicted_class for one in each] for each in predicted]
    assert judge.n_agree == sum(one == other for one, other in zip(*classes, strict=True))
    assert judge.accuracy is not None
    assert judge.accuracy.n_texts == 3  # one has no true class
    for own, share in zip(classes, (judge.accuracy.original, judge.accuracy.judge), strict=True):
        golds = [label.title() for _, label in read]
        right = sum(LABELS[one] == gold for one, gold in zip(own, golds, strict=True))
        expected = (right / 3, *wilson_interval(right, 3))
        assert (share.mean, share.low, share.high) == pytest.approx(expected, abs=1e-6)
    assert set(judge.methods) == set(METHODS)
    for operator in OPERATORS:
        floor, best = judge.random[operator]["aopc"], judge.best[operator]
        for method in METHODS:
            under = judge.methods[method][operator]
            assert under.share is not None
            expected_share = (under.means["aopc"] - floor) / (best - floor)
            assert under.share.mean == pytest.approx(expected_share, abs=1e-4)
            assert bool(under.minus_default) == (method != record.default)
    assert judge.ranking is not None
    assert judge.ranking.n_methods == len(METHODS) - 1  # without the control
    (tmp_path / "x.json").write_text(record.to_json(), "utf-8")
    assert load(tmp_path / "x.json") == record


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (("0", "1", "2", "World"), None),
        (
            ("1", "2", "3", ""),
            "are numbers, and no text that was judged has 0: if they are counted",
        ),
        (
            ("4", "2", "3", ""),
            "are numbers, and no text that was judged has 0: if they are counted",
        ),
        (("Weather", "", "", ""), "are classes of the checkpoint."),
        (("7", "0", "", ""), "are classes of the checkpoint."),
        (("", "", "", "World"), "since no text that was judged has a label in column 'label'."),
        (("", "", "", ""), ""),
    ],
)
def test_accuracy_that_is_not_measured_has_a_reason(
    double: Classifier,
    twin: Classifier,
    tmp_path: Path,
    labels: tuple[str, ...],
    reason: str | None,
) -> None:
    path, short = (
        tmp_path / "texts.csv",
        ("oil prices rise", "team wins game", "ice on moon", "oil"),
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(short, labels, strict=True)])
    config = ScoreConfig(("attention",), n_random=2, n_degraded=0)
    run = ScoreRun(double, open_texts(path), config, tmp_path / "lines", Judge(double, twin))
    list(run.score(run.rows_left()))
    record = summarize(double, run.texts, config, run.results(), run.judge)
    assert record.judge is not None
    assert (record.judge.accuracy is None) == (reason is not None)
    if reason:
        assert reason in (record.judge.no_accuracy or "")
    else:
        assert record.judge.no_accuracy is None
    (tmp_path / "x.json").write_bytes(content_of(record))
    assert load(tmp_path / "x.json") == record


def test_a_judge_that_agrees_in_all_ranks_alike(
    double: Classifier, texts: Texts, tmp_path: Path
) -> None:
    record = scored(double, texts, tmp_path, double)
    assert record.judge is not None
    assert record.judge.n_agree == record.judge.n_texts
    assert record.judge.ranking is not None
    assert (record.judge.ranking.spearman, record.judge.ranking.kendall) == (1, 1)
    for one in record.methods:
        for operator, under in one.under.items():
            judged = record.judge.methods[one.method][operator]
            assert judged.means == pytest.approx(under.means, abs=2e-6)
    assert record.judge.best == pytest.approx(record.best, abs=2e-6)
    for operator, drawn in record.judge.random.items():
        assert drawn == pytest.approx(record.random[operator], abs=2e-6)


def test_results_that_another_judge_left_are_not_taken(
    double: Classifier, twin: Classifier, texts: Texts, tmp_path: Path
) -> None:
    config = ScoreConfig(("attention",), n_random=2)
    run = ScoreRun(double, texts, config, tmp_path, Judge(double, twin))
    running = run.score(run.rows_left())
    next(running)
    running.close()
    assert len(run.rows_left()) == 4
    for judge in (None, Judge(double, double)):
        assert len(ScoreRun(double, texts, config, tmp_path, judge).rows_left()) == 5


def test_texts_that_are_read_in_windows_are_not_judged(
    double: Classifier, twin: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "texts.csv"
    path.write_text(f"text\n{ROWS[0][0]}\n{'the market was not good ' * 14}\n", "utf-8")
    classifier, config = double.with_windows(WindowSettings(stride=16)), ScoreConfig(("attention",))
    run = ScoreRun(classifier, open_texts(path), config, tmp_path, Judge(classifier, twin))
    assert list(run.score(run.rows_left())) == [0, 1]
    assert run.rows_left() == []
    record = summarize(classifier, run.texts, config, run.results(), run.judge)
    assert record.documents is not None
    assert (record.n_texts, record.documents.n_texts) == (2, 1)
    assert record.judge is not None
    assert record.judge.n_texts == 1
    assert record.judge.accuracy is None  # the file has no labels
    assert record.judge.ranking is None  # of one method


def test_a_first_window_is_judged_as_it_was_read(
    double: Classifier, twin: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "texts.csv"
    long = "the market was not good . oil prices rise as stocks fall . " * 8
    path.write_text(f"text\n{ROWS[0][0]}\n{long}\n", "utf-8")
    classifier = double.with_windows(WindowSettings(stride=16, pooling="first"))
    config = ScoreConfig(("attention", "saliency"), n_random=2, n_degraded=0)
    for judge in (double, twin):
        run = ScoreRun(
            classifier, open_texts(path), config, tmp_path / judge.name, Judge(classifier, judge)
        )
        assert list(run.score(run.rows_left())) == [0, 1]
        record = summarize(classifier, run.texts, config, run.results(), run.judge)
        assert record.judge is not None
        assert record.judge.n_texts == record.n_texts == 2
        same = pytest.approx(record.random["mask"], abs=2e-6) == record.judge.random["mask"]
        assert same == (judge is double)
    # What the Read page shows of such a text is cut, not a window.
    cut = classifier.read(long).encoding
    assert Judge(classifier, twin).versions(cut).encoding.tokens == cut.tokens


def test_a_twin_with_heads_off_is_no_judge(
    double: Classifier, twin: Classifier, texts: Texts, tmp_path: Path
) -> None:
    judge = Judge(double, twin.without([(0, 0)]))
    with pytest.raises(MethodError, match=r"^What a judge says is of a checkpoint with all of its"):
        ScoreRun(double, texts, ScoreConfig(("attention",)), tmp_path, judge)


@pytest.mark.parametrize(
    ("settings", "masking"), [({"masking": True}, True), ({"masking": False}, False), ({}, False)]
)
def test_whether_a_twin_knows_hidden_words_is_in_its_own_record(
    double: Classifier,
    twin: Classifier,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, bool],
    masking: bool,
) -> None:
    run = SimpleNamespace(settings=settings)
    monkeypatch.setattr(judge_module, "run_record", lambda classifier: run)
    assert Judge(double, twin).masking is masking


def damaged(record: FaithfulnessRecord, **changes: Any) -> FaithfulnessRecord:
    assert record.judge is not None
    return replace(record, judge=replace(record.judge, **changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_texts": 5}, "the judge measured more texts than there are"),
        ({"n_agree": 5}, "the judge agrees on more texts than it measured"),
        ({"worst": {"mask": 2.0, "delete": 2.0}}, "the worst order under 'mask' is better than"),
        ({"random": {}}, "the judge hid words in other ways"),
        ({"methods": {"lime": {}}}, "the judge measured a method that was not measured"),
        ({"methods": {"attention": {}}}, "the judge measured 'attention' where random orders were"),
    ],
)
def test_a_judge_that_contradicts_itself_is_refused(
    record: FaithfulnessRecord, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(damaged(record, **changes).to_json(), "utf-8")
    with pytest.raises(RecordError, match=sentence):
        load(path)


def test_a_record_without_a_judge_is_read(record: FaithfulnessRecord, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    plain = replace(record, judge=None)
    assert "judge" not in json.loads(plain.to_json())
    path.write_text(plain.to_json(), "utf-8")
    assert load(path) == plain
