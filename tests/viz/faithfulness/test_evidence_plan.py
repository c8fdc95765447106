"""The badge of long texts and documents: on sentences, on a sample of them, in few passes."""

import math

import numpy as np
import pytest

from finetune.checkpoint.windows import WindowSettings
from viz import Classifier, attribute, attribute_document, read_document
from viz.documents import document_versions
from viz.documents.document import Document
from viz.documents.document_versions import DocumentVersions
from viz.errors import SelectionError
from viz.faithfulness import evidence_plan
from viz.faithfulness.evidence import document_evidence, evidence
from viz.faithfulness.evidence_plan import (
    PERCENTS,
    evidence_units,
    plan_evidence,
    sample_units,
)
from viz.model.perturbation import Perturbation
from viz.types import Attribution

SENTENCES = ("Oil prices rise as stocks fall .", "The team wins the game !", "Peace talks fall .")
TEXT = " ".join(SENTENCES[index % 3] for index in range(18))


@pytest.fixture(scope="module")
def windowed(classifier: Classifier) -> Classifier:
    return classifier.with_windows(WindowSettings(stride=25, cut="tokens"))


@pytest.fixture(scope="module")
def document(windowed: Classifier) -> Document:
    return read_document(windowed, TEXT)


@pytest.fixture(scope="module")
def explained(windowed: Classifier, document: Document) -> Attribution:
    return attribute_document(windowed, document, "decomposition", against=None)


@pytest.fixture
def _by_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_versions, "MAX_WORDS", 20)
    monkeypatch.setattr(evidence_plan, "LONG_WORDS", 20)
    monkeypatch.setattr(evidence_plan, "SAMPLES", (10,))


def test_a_document_of_one_window_has_the_badge_of_its_reading(classifier: Classifier) -> None:
    text = "oil prices rise as stocks fall, the team wins"
    reading = classifier.read(text)
    explained = attribute(classifier, reading)
    own = document_evidence(classifier, read_document(classifier, text), explained)
    expected = evidence(classifier, reading, explained)
    assert own.plan is expected.plan is None
    assert own.basis == ""
    assert own.value == pytest.approx(expected.value, abs=1e-5)
    assert own.random_values == pytest.approx(expected.random_values, abs=1e-5)


@pytest.mark.usefixtures("_by_sentence")
def test_a_sample_is_hidden_in_the_whole_text_and_pooled_logits_are_compared(
    windowed: Classifier, document: Document, explained: Attribution
) -> None:
    """By hand: two of ten sentences are masked in the text, or the other eight."""
    own = document_evidence(windowed, document, explained, max_passes=0, seed=3)
    assert own.basis == "on 10 of 18 sentences, by masks, top 20%"
    assert own.measured
    versions = DocumentVersions(windowed, document)
    sample = sample_units(versions.words, 10, 3)
    scores = [sum(explained.scores[list(unit.tokens)]) for unit in sample]
    order = sorted(range(10), key=lambda index: -scores[index])

    def drop(hidden: list[int]) -> float:
        text = TEXT
        for index in sorted(hidden, reverse=True):
            unit = sample[index]
            masks = " ".join("[MASK]" for _ in text[unit.start : unit.end].split())
            text = text[: unit.start] + masks + text[unit.end :]
        chosen = explained.target_class
        before, after = document.prediction, read_document(windowed, text).prediction
        return float(before.probabilities[chosen] - after.probabilities[chosen])

    erasure = own.measures["mask"]
    assert erasure.comprehensiveness == pytest.approx(drop(order[:2]), abs=1e-5)
    assert erasure.sufficiency == pytest.approx(drop(order[2:]), abs=1e-5)
    assert len(own.random_values) == 10
    assert own.band[0] < np.mean(own.random_values) < own.band[1]


@pytest.mark.usefixtures("_by_sentence")
def test_the_words_of_a_sentence_are_hidden_together_where_there_are_many(
    classifier: Classifier,
) -> None:
    reading = classifier.read(" ".join(SENTENCES * 2))
    own = evidence(classifier, reading, attribute(classifier, reading), n_random=4)
    assert own.basis == "on 6 sentences"
    assert own.plan is not None
    assert own.plan.percents == PERCENTS
    assert set(own.measures) == {"mask", "delete"}
    assert own.n_words == 34


@pytest.mark.usefixtures("_by_sentence")
def test_no_more_is_read_than_was_planned_and_less_where_less_is_allowed(
    windowed: Classifier, document: Document, explained: Attribution
) -> None:
    versions = DocumentVersions(windowed, document)
    allowed, plans = math.inf, []
    for _ in range(4):
        reads: list[float] = []
        own = document_evidence(
            windowed, document, explained, max_passes=allowed, progress=reads.append
        )
        plans.append(plan_evidence(versions, allowed))
        assert own.plan == plans[-1]
        # What is known beforehand, and windows that several versions share, are not read.
        assert 0 < sum(reads) <= plans[-1].passes
        allowed = plans[-1].passes - 0.1
    assert [plan.n_units for plan in plans] == [18, 18, 18, 10]
    assert [len(plan.operators) for plan in plans] == [2, 1, 1, 1]
    assert [plan.passes for plan in plans] == sorted((plan.passes for plan in plans), reverse=True)
    assert plan_evidence(versions, 0) == plans[-1]


def test_short_texts_are_measured_in_full(classifier: Classifier) -> None:
    versions = Perturbation(classifier, classifier.encode(SENTENCES[0]))
    plan = plan_evidence(versions)
    assert plan.in_full
    assert (plan.operators, plan.percents) == (versions.operators, PERCENTS)
    assert evidence_units(versions) == (versions.words, "word")
    assert plan_evidence(versions, 30).basis == "by masks, top 20%"


def test_a_reading_that_stands_for_a_document_is_refused(
    windowed: Classifier, document: Document, explained: Attribution
) -> None:
    with pytest.raises(
        SelectionError, match="give the document to attribute_document or document_evidence"
    ):
        evidence(windowed, document.pooled_reading, explained)
