"""Two files are compared: the planted cause comes first, and what can't be given is said."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows.audit_rows import AuditRows, rows_from
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.data.shift import accuracy_estimate
from viz.data.shift.causes import PooledRows, rank_causes
from viz.data.shift.shift import Shift, measure_shift
from viz.data.shift.word_components import word_presence

SHARED = ["the", "as", "on", "was", "not"]
TOPICS = {
    "World": ["election", "peace", "talks", "minister"],
    "Sports": ["team", "wins", "game", "bad"],
    "Business": ["oil", "prices", "stocks", "market"],
    "Sci/Tech": ["space", "probe", "ice", "moon"],
}
N_ROWS = 160
Made = tuple[AuditRows, RowPredictions]


def _texts(
    seed: int,
    shares: Sequence[float] = (0.25, 0.25, 0.25, 0.25),
    extra: Sequence[str] = (),
    n_words: int = 8,
) -> tuple[list[str], np.ndarray]:
    """Texts of shared words and words of their class, and the classes."""
    draw = np.random.default_rng(seed)
    classes = draw.choice(4, size=N_ROWS, p=shares)
    vocabularies = [[*SHARED, *words, *extra] for words in TOPICS.values()]
    texts = [" ".join(draw.choice(vocabularies[each], size=n_words)) for each in classes]
    return texts, classes


def _made(classifier: Classifier, texts: list[str], classes: np.ndarray | None = None) -> Made:
    """Rows with the states of the network, and with logits that nearly always fit the class."""
    labels = None if classes is None else [classifier.labels[each] for each in classes]
    records = [
        {"text": text} if labels is None else {"text": text, "label": label}
        for text, label in zip(texts, labels or texts, strict=True)
    ]
    predictions = predict(classifier, texts, states=True)
    words = [set(words) for words in TOPICS.values()]
    counts = np.array([[len(own & set(text.split())) for own in words] for text in texts])
    logits = 2.0 * counts + np.random.default_rng(len(texts)).normal(0, 1.2, counts.shape)
    return rows_from(records, classifier), replace(
        predictions, logits=logits, probabilities=classifier.probabilities(logits)
    )


def _measured(
    classifier: Classifier, before: Made, after: Made, progress: Callable[[float], None] = print
) -> Shift:
    options = AuditOptions(max_explained=80)
    shift = measure_shift(classifier, *before, *after, options, progress)
    assert isinstance(shift, Shift)
    adapter = TypeAdapter(Shift)  # what audit.json takes
    assert adapter.validate_json(adapter.dump_json(shift), strict=True) == shift
    return shift


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy_estimate, "RESAMPLES", 40)


@pytest.fixture(scope="module")
def before(classifier: Classifier) -> Made:
    return _made(classifier, *_texts(0))


def test_without_a_shift_there_is_no_alarm_and_nothing_is_blamed(
    classifier: Classifier, before: Made
) -> None:
    passes: list[float] = []
    shift = _measured(classifier, before, _made(classifier, *_texts(1)), passes.append)
    assert not shift.alarm
    assert shift.p_value > shift.error_rate == 0.05
    assert not shift.causes
    assert not shift.words
    assert not shift.word_kinds
    assert passes == []
    assert shift.domain_auc.low < 0.5 < shift.domain_auc.high
    assert shift.reference_accuracy == pytest.approx((before[1].predicted == before[0].gold).mean())


def test_a_file_beside_itself_is_no_shift(classifier: Classifier, before: Made) -> None:
    shift = _measured(classifier, before, before)
    assert shift.p_value > 0.5
    assert shift.domain_auc.mean == pytest.approx(0.5)
    assert shift.confidence.mean == 0


def test_a_class_that_became_frequent_comes_first(classifier: Classifier, before: Made) -> None:
    texts, classes = _texts(1, (0.1, 0.6, 0.2, 0.1))
    shift = _measured(classifier, before, _made(classifier, texts))
    assert shift.alarm
    assert shift.causes[0].cause == "class prior"
    assert "'Sports'" in shift.causes[0].sentence
    (most, *_) = shift.classes
    assert most.label == "Sports"
    assert most.difference.low < most.share - most.reference_share < most.difference.high
    assert most.difference.low > 0.2
    assert not isinstance(shift.estimated_accuracy, Missing)
    truth = float((_made(classifier, texts)[1].predicted == classes).mean())
    assert shift.estimated_accuracy.low <= truth <= shift.estimated_accuracy.high


def test_a_new_topic_is_split_over_its_words_exactly(classifier: Classifier, before: Made) -> None:
    passes: list[float] = []
    after = _made(classifier, _texts(1, extra=("script", "movie", "alert"))[0])
    shift = _measured(classifier, before, after, passes.append)
    assert shift.alarm
    assert shift.causes[0].cause == "topic"
    assert any(f"'{word}'" in shift.causes[0].sentence for word in ("script", "movie", "alert"))
    new = {word.word for word in shift.words if word.kind == "new"}
    assert new == {"script", "movie", "alert"}
    total = sum(kind.score for kind in shift.word_kinds) + shift.domain_bias
    assert total == pytest.approx(shift.domain_difference)
    assert shift.domain_difference > 0
    assert sum(passes) == pytest.approx(3 * 80)


def test_without_a_cause_the_test_that_is_clearest_is_named() -> None:
    words = [("oil",), ("team",)] * 100
    rows = PooledRows(
        labels=np.repeat([False, True], 100),
        folds=np.arange(200) % 5,
        words=words,
        misspelled={},
        probabilities=np.zeros((200, 0)),
        flags=np.zeros((200, 0)),
        classes=(),
        presence=word_presence(words, {}),
        components=np.zeros((200, 0)),
        states=None,
    )
    (cause,) = rank_causes(rows, {"length": 0.2, "the domain classifier": 0.001})
    assert cause.sentence == (
        "No cause that is looked for explains the difference; it is clearest in the test of the "
        "domain classifier (p = 0.001 on its own)."
    )


def test_misspelled_words_come_first(classifier: Classifier, before: Made) -> None:
    draw = np.random.default_rng(0)
    texts = [
        " ".join(
            word[:1] + word[2:] if len(word) > 4 and draw.random() < 0.5 else word
            for word in text.split()
        )
        for text in _texts(1)[0]
    ]
    shift = _measured(classifier, before, _made(classifier, texts))
    assert shift.causes[0].cause == "typing errors"
    assert "for 'market'" in shift.causes[0].sentence or "for 'prices'" in shift.causes[0].sentence


def test_a_word_that_ends_in_a_mark_is_counted(classifier: Classifier, before: Made) -> None:
    texts = before[0].texts
    marked = [f"{text} \u2764\ufe0f" for text in texts[: N_ROWS // 2]]
    shift = _measured(classifier, _made(classifier, [*marked, *texts[N_ROWS // 2 :]]), before)
    (heart,) = (word for word in shift.words if word.word == "\u2764\ufe0f")
    assert (heart.kind, heart.reference_share, heart.share) == ("gone", 0.5, 0)


def test_longer_rows_come_first(classifier: Classifier, before: Made) -> None:
    shift = _measured(classifier, before, _made(classifier, _texts(1, n_words=14)[0]))
    assert shift.causes[0].cause == "length"
    assert "14 words in the median, 8 in the reference" in shift.causes[0].sentence


def test_results_repeat(classifier: Classifier, before: Made) -> None:
    after = _made(classifier, _texts(1, extra=("script",))[0])
    assert _measured(classifier, before, after) == _measured(classifier, before, after)


def test_without_states_words_stand_in(classifier: Classifier, before: Made) -> None:
    after = _made(classifier, _texts(1, extra=("script",))[0])
    before, after = (
        (rows, replace(predictions, states=None)) for rows, predictions in (before, after)
    )
    shift = _measured(classifier, before, after)
    assert shift.alarm
    assert (shift.words[0].word, shift.words[0].kind) == ("script", "new")
    total = sum(kind.score for kind in shift.word_kinds) + shift.domain_bias
    assert total == pytest.approx(shift.domain_difference)
    assert any("which words a row has" in note for note in shift.notes)


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_score_that_does_not_add_up_is_not_split(classifier: Classifier, before: Made) -> None:
    shift = _measured(classifier, before, _made(classifier, _texts(1, extra=("script",))[0]))
    assert shift.alarm
    assert shift.words == ()
    assert any("isn't split over words" in note for note in shift.notes)


def test_states_of_another_classifier_are_not_explained(
    classifier: Classifier, before: Made
) -> None:
    rows, predictions = _made(classifier, _texts(1, extra=("script",))[0])
    assert predictions.states is not None
    other = replace(predictions, states=predictions.states + 1)
    shift = _measured(classifier, before, (rows, other))
    assert shift.words == ()
    assert any("not those of this classifier" in note for note in shift.notes)


def test_without_labels_there_is_no_accuracy(classifier: Classifier) -> None:
    shift = _measured(classifier, _made(classifier, _texts(0)[0]), _made(classifier, _texts(1)[0]))
    assert isinstance(shift.estimated_accuracy, Missing)
    assert "no labels" in shift.estimated_accuracy.missing
    assert shift.reference_accuracy is None


def test_rows_that_cannot_be_read_do_not_count(classifier: Classifier, before: Made) -> None:
    texts = [text if number < 29 else "" for number, text in enumerate(_texts(1)[0])]
    few = measure_shift(classifier, *before, *_made(classifier, texts), AuditOptions())
    assert isinstance(few, Missing)
    assert "29 of the rows of" in few.missing


@pytest.mark.parametrize("problem_type", ["multi_label_classification", "regression"])
def test_heads_without_one_class_a_row_give_what_they_can(
    problem_type: str, tmp_path: Path
) -> None:
    labels = ("score",) if problem_type == "regression" else ("a", "b", "c")
    folder = tiny_checkpoint(tmp_path / "tiny", labels=labels, problem_type=problem_type)
    classifier = Classifier.load(folder)
    before, after = (
        (rows_from(texts, classifier), predict(classifier, texts, states=True))
        for texts in (_texts(0)[0], _texts(1, extra=("script", "movie"))[0])
    )
    shift = _measured(classifier, before, after)
    assert shift.alarm
    assert shift.words
    assert isinstance(shift.estimated_accuracy, Missing)
    assert len(shift.classes) == (0 if problem_type == "regression" else 3)
    assert shift.regression == classifier.regression
