"""Read and compare: two texts with one classifier, or one text with two."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import torch

from viz.attribution import attribute, default_methods, find_method, reader_of
from viz.attribution.method_spec import MethodSpec
from viz.attribution.word_shares import with_word_shares
from viz.comparison.head_comparison import Matching
from viz.comparison.readings import ReadingComparison, compare_readings
from viz.comparison.shared_classes import RUNNER_UP, SharedClasses, share_classes
from viz.comparison.word_comparison import check_comparable
from viz.errors import CheckpointError, MethodError, SelectionError
from viz.model.classifier import Classifier
from viz.model.perturbation import OPERATORS, Perturbation
from viz.types import Attribution, Reading

RELATED = 0.5
"""The least cosine between the weights of two models of one origin: fine-tuning moves weights by
little, and those of models with different first weights have a cosine near 0."""


def open_model(source: str | os.PathLike[str]) -> Classifier:
    """A classifier, or a base model without a head, which is compared by where it looks alone.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.

    Raises:
        CheckpointError: where it opens as neither.
    """
    try:
        return Classifier.load(source)
    except CheckpointError:
        with suppress(CheckpointError):
            return Classifier.load(source, base=True)
        raise


def compare_texts(
    classifier: Classifier,
    text: str,
    other_text: str,
    *,
    pair: str | None = None,
    other_pair: str | None = None,
    method: str | None = None,
    target: str | None = None,
    against: str = RUNNER_UP,
) -> ReadingComparison:
    """Read two texts with one classifier, and say what changed from the first to the second.

    Args:
        classifier: What reads both.
        text: The first text.
        other_text: The second text.
        pair: What the first is read together with, for classifiers of pairs.
        other_pair: What the second is read together with.
        method: How words are scored, as `name` or `name:option=value`; by default the first method
            that is quick.
        target: The class that is explained; see `share_classes` for the default.
        against: The class it is compared with, `runner-up`, or `none`.

    Raises:
        TextError: where a text can't be read.
        SelectionError: where there is no such class.
        MethodError: where the classifier doesn't allow the method.
    """
    readings = classifier.read(text, pair), classifier.read(other_text, other_pair)
    return compare(
        (classifier, classifier), readings, method=method, target=target, against=against
    )


def compare_checkpoints(
    classifier: Classifier,
    other: Classifier,
    text: str,
    pair: str | None = None,
    *,
    method: str | None = None,
    target: str | None = None,
    against: str = RUNNER_UP,
) -> ReadingComparison:
    """Read one text with two classifiers, and say what is otherwise with the second.

    Heads go by number where both are states of one model, as a base and what was fine-tuned from
    it; those of other models have no number in common, and each is compared with the nearest.

    Args:
        classifier: The first classifier.
        other: The second.
        text: What both read.
        pair: What it is read together with, for classifiers of pairs.
        method: How words are scored; both classifiers must allow it.
        target: The class that is explained, by its name in the first classifier.
        against: The class it is compared with, `runner-up`, or `none`.

    Raises:
        TextError: where the text can't be read.
        SelectionError: where there is no such class.
        MethodError: where one of them doesn't allow the method.
    """
    readings = classifier.read(text, pair), other.read(text, pair)
    return compare((classifier, other), readings, method=method, target=target, against=against)


def compare(
    classifiers: tuple[Classifier, Classifier],
    readings: tuple[Reading, Reading],
    *,
    method: str | None = None,
    target: str | None = None,
    against: str = RUNNER_UP,
) -> ReadingComparison:
    """Compare two readings of the classifiers that made them; see `compare_checkpoints`."""
    attributions, refusal = None, ""
    predictions = [reading.prediction for reading in readings]
    if all(prediction.labels for prediction in predictions):
        try:
            classes = share_classes(predictions[0], predictions[1], target, against)
        except SelectionError as error:
            if target is not None or against != RUNNER_UP:
                raise
            refusal = str(error)
        else:
            attributions = attribute_both(classifiers, readings, classes, method)
    compared = compare_readings(*readings, attributions, matching=matching_of(*classifiers))
    return compared.refusing("words", refusal) if refusal else compared


def attribute_both(
    classifiers: tuple[Classifier, Classifier],
    readings: tuple[Reading, Reading],
    classes: SharedClasses,
    method: str | None = None,
) -> tuple[Attribution, Attribution]:
    """Why the same class, in both readings, by one method.

    Raises:
        MethodError: where a classifier or a text doesn't allow it.
    """
    methods = [method] if method is not None else shared_methods(*classifiers)
    *some, last = methods
    for name in some:
        with suppress(MethodError):
            return _attribute_both(classifiers, readings, classes, name)
    return _attribute_both(classifiers, readings, classes, last)


def shared_methods(first: Classifier, second: Classifier) -> list[str]:
    """The quick methods that both classifiers allow."""
    theirs = default_methods(second)
    return [name for name in default_methods(first) if name in theirs]


def _attribute_both(
    classifiers: tuple[Classifier, Classifier],
    readings: tuple[Reading, Reading],
    classes: SharedClasses,
    method: str,
) -> tuple[Attribution, Attribution]:
    against = classes.against or (None, None)
    first, second = (
        _attribute(classifiers[side], readings[side], method, classes.target[side], against[side])
        for side in (0, 1)
    )
    if {each.shares.operator for each in (first, second) if each.shares} == {*OPERATORS}:
        # One tokenizer has no mask token, so words of both texts are deleted.
        first, second = (
            _deleting(classifiers[side], each) for side, each in enumerate((first, second))
        )
    check_comparable(first, second)
    return first, second


def _attribute(
    classifier: Classifier, reading: Reading, method: str, target: int, against: int | None
) -> Attribution:
    spec = MethodSpec.parse(method, classifier=classifier)
    return attribute(
        classifier,
        reading,
        spec.method.name,
        target,
        against,
        options=spec.options,
    )


def _deleting(classifier: Classifier, attribution: Attribution) -> Attribution:
    """The attribution with shares of what deleting every word changes, where there are any."""
    assert attribution.reading is not None  # `attribute` hands it on
    reading = attribution.reading
    versions = Perturbation(reader_of(classifier, reading), reading.encoding)
    method = find_method(attribution.method)
    return with_word_shares(replace(attribution, shares=None), method, versions, operator="delete")


def matching_of(first: Classifier, second: Classifier) -> Matching | None:
    """How heads of two classifiers belong together: by number only in states of one model.

    None where one has no maps.
    """
    sizes = [(each.n_layers, each.n_heads) for each in (first, second)]
    if 0 in sizes[0] + sizes[1]:
        return None
    return "number" if sizes[0] == sizes[1] and is_related(first, second) else "nearest"


def is_related(first: Classifier, second: Classifier) -> bool:
    """Whether two classifiers come from the same first weights.

    Told by the cosine between the weights of their first layers: near 1 for what was fine-tuned
    from one base, near 0 for models that began with different random numbers.
    """
    if first.model is second.model:
        return True
    ours, theirs = (_weights(each) for each in (first, second))
    if not ours or len(ours) != len(theirs):
        return False
    if any(one.shape != other.shape for one, other in zip(ours, theirs, strict=True)):
        return False
    one, other = (torch.cat([part.double().flatten() for part in side]) for side in (ours, theirs))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0)) >= RELATED


def _weights(classifier: Classifier) -> Sequence[torch.Tensor]:
    """The matrices of the first layer; biases and norms are alike in all models."""
    if not classifier.layers:
        return []
    return [part.cpu() for part in classifier.layers[0].parameters() if part.dim() == 2]
