"""Does a method react to what it explains?  Random weights, another class, another seed.

A map that stays as it was when all weights are random shows the text, not the network (Adebayo et
al. 2018).  Methods that multiply by the input keep some of its structure (Kokhlikyan et al. 2021),
so a correlation is not judged against 0 but against what two random scores of words reach.  Source:
viz/faithfulness/README.md 5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.errors import number_of
from viz.attribution import METHODS, attribute, check_read_by, resolve_target
from viz.attribution.method import no_progress
from viz.attribution.method_spec import MethodSpec
from viz.attribution.target import Target
from viz.errors import MethodError, TextError
from viz.faithfulness.metrics import MIN_WORDS
from viz.faithfulness.rank_similarity import Maps, random_similarity, similarity
from viz.faithfulness.sanity_record import SanityRecord, SanityResult
from viz.faithfulness.weight_randomization import (
    copy_classifier,
    randomization_stages,
    randomize_weights,
)
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import Attribution, Reading

MIN_VALUE_SIZE = 0.01
"""A smaller explained scalar counts as this, so that rounding is not taken for a gap."""


@dataclass(frozen=True, slots=True)
class _Example:
    """A text, as one classifier reads it, and what of it is explained."""

    reading: Reading
    target: Target
    words: Perturbation

    @property
    def vocabulary(self) -> list[tuple[int, ...]]:
        """Each word by the tokens it is made of."""
        ids = self.reading.encoding.inputs["input_ids"]
        return [tuple(ids[list(unit.tokens)].tolist()) for unit in self.words.words]

    def read_by(self, other: Classifier) -> "_Example":
        """The same text and classes, read by another network."""
        encoding = self.reading.encoding
        reading = other.read_many([encoding])[0]
        return replace(self, reading=reading, words=Perturbation(other, encoding))

    def word_scores(self, attribution: Attribution | str) -> FloatArray | None:
        """The scores of an attribution; None of a refusal.  (n_words,)"""
        if isinstance(attribution, str):
            return None
        return self.words.to_words(attribution.scores)


def default_methods() -> tuple[str, ...]:
    """The methods that are checked where none is named: those that no reader waits for."""
    return tuple(name for name, method in METHODS.items() if not method.costly)


def sanity(
    classifier: Classifier,
    readings: Sequence[Reading],
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> SanityRecord:
    """Check how methods react; the predicted class is explained, against the runner-up.

    The weights are made random in a copy, which takes as much memory as the model once more.

    Args:
        classifier: The classifier that made the readings.
        readings: The texts; those with fewer than 3 words are left out.
        methods: Names in `METHODS`, or `name:option=value`; `default_methods` where None.
        seed: Of the random weights and the random scores.
        progress: Called with passes done, of `expected_passes`; what it raises ends the work.

    Raises:
        MethodError: for an unknown method or a wrong option, or where heads are off.
        SelectionError: for a reading of another classifier.
        TextError: where no text has 3 words.
    """
    classifier.require_all_heads("A sanity check")
    specs = _specs(classifier, methods)
    examples = _examples(classifier, readings)
    trained = [_check_trained(examples, spec, progress) for spec in specs]
    chance, limit = random_similarity([example.vocabulary for example in examples], seed)
    return SanityRecord(
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        n_texts=len(examples),
        seed=seed,
        stages=randomization_stages(classifier),
        chance=chance,
        limit=limit,
        methods=tuple(_check_randomized(classifier, examples, trained, seed, progress)),
    )


def expected_passes(
    classifier: Classifier, readings: Sequence[Reading], methods: Sequence[str] | None = None
) -> float:
    """About how many passes `sanity` will take."""
    examples = _examples(classifier, readings)
    n_stages = len(randomization_stages(classifier))
    passes = 0.0
    for spec in _specs(classifier, methods):
        n_classes = 2 if _compares_classes(classifier, spec) else 0
        n_maps = 1 + n_classes + ("seed" in spec.options) + n_stages + 1
        passes += n_maps * sum(_passes(example, spec) for example in examples)
    return passes


def _specs(classifier: Classifier, methods: Sequence[str] | None) -> list[MethodSpec]:
    texts = default_methods() if methods is None else dict.fromkeys(methods)
    return [MethodSpec.parse(text, classifier=classifier) for text in texts]


def _examples(classifier: Classifier, readings: Sequence[Reading]) -> list[_Example]:
    examples = []
    for reading in readings:
        check_read_by(classifier, reading)
        words = Perturbation(classifier, reading.encoding)
        if words.n_words >= MIN_WORDS:
            target = resolve_target(reading.prediction, None, "runner-up")
            examples.append(_Example(reading, target, words))
    if not examples:
        raise TextError(
            f"Of {number_of(len(readings), 'text')} none has {MIN_WORDS} words, which is what an "
            "order of words takes; give longer texts."
        )
    return examples


@dataclass(frozen=True, slots=True)
class _Checked:
    """A method, what it says of each text, and what can be checked with the weights as they are."""

    spec: MethodSpec
    maps: Maps
    result: SanityResult


def _check_trained(
    examples: Sequence[_Example], spec: MethodSpec, progress: ProgressCallback
) -> _Checked:
    answers = [_explain(example, spec, progress) for example in examples]
    attributions = [answer for answer in answers if isinstance(answer, Attribution)]
    result = SanityResult(
        method=spec.text,
        label=spec.method.label_of(examples[0].reading),
        of_class=spec.method.class_specific,
        n_texts=len(attributions),
    )
    maps = [example.word_scores(each) for example, each in zip(examples, answers, strict=True)]
    if not attributions:
        return _Checked(spec, maps, replace(result, refused=str(answers[0])))
    residuals = [gap for gap in map(_residual, attributions) if gap is not None]
    result = replace(
        result,
        between_classes=_between_classes(examples, spec, progress),
        residual=max(residuals, default=None),
        between_seeds=_between_seeds(examples, spec, maps, progress),
    )
    return _Checked(spec, maps, result)


def _check_randomized(
    classifier: Classifier,
    examples: Sequence[_Example],
    trained: Sequence[_Checked],
    seed: int,
    progress: ProgressCallback,
) -> Iterator[SanityResult]:
    """Each result, with what becomes of the method's maps when weights turn random."""
    allowed = [checked.spec for checked in trained if not checked.result.refused]
    network = copy_classifier(classifier)
    by_stage = [
        _maps(network, examples, allowed, progress) for _ in randomize_weights(network, seed)
    ]
    for _ in randomize_weights(network, seed + 1):  # of this one, only the end is of use
        continue
    second = _maps(network, examples, allowed, progress)
    for checked in trained:
        if checked.result.refused:
            yield checked.result
            continue
        text, maps = checked.spec.text, checked.maps
        yield replace(
            checked.result,
            cascade=tuple(similarity(maps, stage[text], absolute=True) for stage in by_stage),
            again=similarity(maps, second[text], absolute=True),
            random_pair=similarity(by_stage[-1][text], second[text], absolute=True),
        )


def _maps(
    network: Classifier,
    examples: Sequence[_Example],
    specs: Sequence[MethodSpec],
    progress: ProgressCallback,
) -> dict[str, Maps]:
    """The maps of each method by a network, for the classes explained before."""
    read = [example.read_by(network) for example in examples]
    return {
        spec.text: [example.word_scores(_explain(example, spec, progress)) for example in read]
        for spec in specs
    }


def _between_classes(
    examples: Sequence[_Example], spec: MethodSpec, progress: ProgressCallback
) -> float | None:
    """Similarity of the maps of the class and of the strongest other, each for its plain logit.

    A margin would be that of the other class with its sign turned: no sum of squares could differ.
    """
    if not _compares_classes(examples[0].words.classifier, spec):
        return None
    own: list[FloatArray | None] = []
    other: list[FloatArray | None] = []
    for example in examples:
        target_class = example.target.target_class
        runner_up = example.reading.prediction.runner_up(target_class)
        assert runner_up is not None  # there are two classes or more
        for maps, explained in ((own, target_class), (other, runner_up)):
            plain = replace(example, target=Target(explained, None))
            maps.append(plain.word_scores(_explain(plain, spec, progress)))
    return similarity(own, other)


def _compares_classes(classifier: Classifier, spec: MethodSpec) -> bool:
    return spec.method.class_specific and classifier.n_classes > 1


def _between_seeds(
    examples: Sequence[_Example], spec: MethodSpec, maps: Maps, progress: ProgressCallback
) -> float | None:
    if "seed" not in spec.options:
        return 1.0
    reseeded = replace(spec, options={**spec.options, "seed": spec.options["seed"] + 1})
    second = [example.word_scores(_explain(example, reseeded, progress)) for example in examples]
    return similarity(maps, second)


def _explain(example: _Example, spec: MethodSpec, progress: ProgressCallback) -> Attribution | str:
    """What a method says of a text, or the sentence with which it refuses."""
    try:
        return attribute(
            example.words.classifier,
            example.reading,
            spec.method.name,
            example.target.target_class,
            example.target.against_class,
            options=spec.options,
            shared=example.words,
            shares=False,
        )
    except MethodError as error:
        return str(error)
    finally:
        progress(_passes(example, spec))


def _passes(example: _Example, spec: MethodSpec) -> float:
    n_layers = example.words.classifier.n_layers
    return spec.method.forward_passes(example.words.n_words, n_layers, spec.options)


def _residual(attribution: Attribution) -> float | None:
    """What an attribution misses of what it splits, relative to it; None where it splits nothing.

    With a bias it is the explained scalar that scores and bias split; a method that splits
    something else, as those that follow a path do, measures the gap itself.
    """
    if attribution.bias is None:
        return attribution.measured.get("convergence_delta")
    total = float(attribution.scores.sum(dtype=np.float64)) + attribution.bias
    return abs(total - attribution.value) / max(abs(attribution.value), MIN_VALUE_SIZE)
