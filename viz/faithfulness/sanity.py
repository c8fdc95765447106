"""Does a method react to what it explains?  Random weights, another class, another seed.

A map that stays as it was when all weights are random shows the text, not the network (Adebayo et
al. 2018).  Methods that multiply by the input keep some of its structure (Kokhlikyan et al. 2021),
so a correlation is not judged against 0 but against what two random scores of words reach. Source:
viz/faithfulness/README.md 5.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from viz.attribution import METHODS, attribute, check_made_by, resolve
from viz.attribution.method import Target, silent
from viz.attribution.method_spec import MethodSpec
from viz.errors import MethodError, TextError
from viz.faithfulness.metrics import MIN_WORDS
from viz.faithfulness.rank_similarity import Maps, likeness, random_likeness
from viz.faithfulness.sanity_record import Reaction, Sanity
from viz.faithfulness.weight_randomization import cascade, copied, stages
from viz.jobs.background import Tick
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import Attribution, FloatArray, Reading

SMALLEST = 0.01
"""A smaller whole counts as this, so that rounding is not taken for a gap."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A text, as one classifier reads it, and what of it is explained."""

    reading: Reading
    target: Target
    words: Perturbation

    @property
    def vocabulary(self) -> list[tuple[int, ...]]:
        """Each word by the tokens it is made of."""
        ids = self.reading.encoding.inputs["input_ids"]
        return [tuple(ids[list(unit.tokens)].tolist()) for unit in self.words.units]

    def read_by(self, other: Classifier) -> "_Case":
        """The same text and classes, read by another network."""
        encoding = self.reading.encoding
        reading = other.read_many([encoding])[0]
        return replace(self, reading=reading, words=Perturbation(other, encoding))

    def explaining(self, target_class: int) -> "_Case":
        """The same reading, the plain logit of a class explained."""
        return replace(self, target=Target(target_class, None))


def default_methods() -> tuple[str, ...]:
    """The methods that are checked where none is named: those that no reader waits for."""
    return tuple(name for name, method in METHODS.items() if not method.costly)


def sanity(
    classifier: Classifier,
    readings: Sequence[Reading],
    methods: Sequence[str] | None = None,
    *,
    seed: int = 0,
    tick: Tick = silent,
) -> Sanity:
    """Check how methods react; the predicted class is explained, against the runner-up.

    The weights are made random in a copy, which takes as much memory as the model once more.

    Args:
        classifier: The classifier that made the readings.
        readings: The texts; those with fewer than 3 words are left out.
        methods: Names in `METHODS`, or `name:option=value`; `default_methods` where None.
        seed: Of the random weights and the random scores.
        tick: Called with passes done, of `expected_passes`; what it raises ends the work.

    Raises:
        MethodError: for an unknown method or a wrong option.
        SelectionError: for a reading of another classifier.
        TextError: where no text has 3 words.
    """
    specs = [MethodSpec.parse(text) for text in _named(methods)]
    cases = _cases(classifier, readings)
    looks = [_look(classifier, cases, spec, tick) for spec in specs]
    chance, limit = random_likeness([case.vocabulary for case in cases], seed)
    return Sanity(
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        n_texts=len(cases),
        seed=seed,
        stages=stages(classifier),
        chance=chance,
        limit=limit,
        methods=tuple(_randomised(classifier, cases, specs, looks, seed, tick)),
    )


def expected_passes(
    classifier: Classifier, readings: Sequence[Reading], methods: Sequence[str] | None = None
) -> float:
    """About how many passes `sanity` will take."""
    cases = _cases(classifier, readings)
    return sum(
        _n_maps(classifier, each) * _passes(classifier, case, each)
        for each in map(MethodSpec.parse, _named(methods))
        for case in cases
    )


def _named(methods: Sequence[str] | None) -> tuple[str, ...]:
    return default_methods() if methods is None else tuple(dict.fromkeys(methods))


def _cases(classifier: Classifier, readings: Sequence[Reading]) -> list[_Case]:
    for reading in readings:
        check_made_by(classifier, reading)
    every = [
        _Case(
            reading,
            resolve(reading.prediction, None, "runner-up"),
            Perturbation(classifier, reading.encoding),
        )
        for reading in readings
    ]
    cases = [case for case in every if case.words.n_words >= MIN_WORDS]
    if not cases:
        raise TextError(
            f"None of the {len(every)} texts has {MIN_WORDS} words, which is what an order of "
            "words takes; give longer texts."
        )
    return cases


@dataclass(frozen=True, slots=True)
class _Look:
    """What a method says of each text, and what can be checked with the weights as they are."""

    maps: Maps
    reaction: Reaction


def _look(classifier: Classifier, cases: Sequence[_Case], spec: MethodSpec, tick: Tick) -> _Look:
    every = [_attribution(classifier, case, spec, tick) for case in cases]
    found = [each for each in every if isinstance(each, Attribution)]
    if not found:
        return _Look([None] * len(cases), Reaction.refusal(spec.text, spec.method, str(every[0])))
    maps = [_of_words(case, each) for case, each in zip(cases, every, strict=True)]
    residuals = [missed for missed in map(_residual, found) if missed is not None]
    reaction = Reaction(
        method=spec.text,
        label=spec.method.label,
        of_class=spec.method.of_class,
        n_texts=len(found),
        between_classes=_between_classes(classifier, cases, spec, tick),
        residual=max(residuals, default=None),
        between_seeds=_between_seeds(classifier, cases, spec, maps, tick),
    )
    return _Look(maps, reaction)


def _randomised(
    classifier: Classifier,
    cases: Sequence[_Case],
    specs: Sequence[MethodSpec],
    looks: Sequence[_Look],
    seed: int,
    tick: Tick,
) -> Iterator[Reaction]:
    """Each reaction, with what becomes of the method's maps when weights turn random."""
    kept = [spec for spec, look in zip(specs, looks, strict=True) if not look.reaction.refused]
    other = copied(classifier)
    after = [_maps(other, cases, kept, tick) for _ in cascade(other, seed)]
    for _ in cascade(other, seed + 1):  # another random network, of which only the end is of use
        continue
    again = _maps(other, cases, kept, tick)
    for spec, look in zip(specs, looks, strict=True):
        if look.reaction.refused:
            yield look.reaction
            continue
        at = kept.index(spec)
        yield replace(
            look.reaction,
            cascade=tuple(likeness(look.maps, stage[at], size=True) for stage in after),
            again=likeness(look.maps, again[at], size=True),
            random_pair=likeness(after[-1][at], again[at], size=True),
        )


def _maps(
    classifier: Classifier, cases: Sequence[_Case], specs: Sequence[MethodSpec], tick: Tick
) -> list[Maps]:
    """The maps of each method by a network, for the classes explained before."""
    read = [case.read_by(classifier) for case in cases]
    return [
        [_of_words(case, _attribution(classifier, case, spec, tick)) for case in read]
        for spec in specs
    ]


def _between_classes(
    classifier: Classifier, cases: Sequence[_Case], spec: MethodSpec, tick: Tick
) -> float | None:
    """Likeness of the maps of the class and of the strongest other one, each for its plain logit.

    A margin would be that of the other class with its sign turned: no sum of squares could differ.
    """
    if not (spec.method.of_class and classifier.n_classes > 1):
        return None
    maps: tuple[list[FloatArray | None], ...] = ([], [])
    for case in cases:
        own = case.target.target_class
        other = case.reading.prediction.runner_up(own)
        assert other is not None  # there are two classes or more
        for kept, target in zip(maps, (own, other), strict=True):
            found = _attribution(classifier, case.explaining(target), spec, tick)
            kept.append(_of_words(case, found))
    return likeness(*maps)


def _between_seeds(
    classifier: Classifier, cases: Sequence[_Case], spec: MethodSpec, maps: Maps, tick: Tick
) -> float | None:
    if "seed" not in spec.options:
        return 1.0
    reseeded = replace(spec, options={**spec.options, "seed": spec.options["seed"] + 1})
    found = [_of_words(case, _attribution(classifier, case, reseeded, tick)) for case in cases]
    return likeness(maps, found)


def _attribution(
    classifier: Classifier, case: _Case, spec: MethodSpec, tick: Tick
) -> Attribution | str:
    """What a method says of a text, or the sentence with which it refuses."""
    try:
        return attribute(
            classifier,
            case.reading,
            spec.method.name,
            case.target.target_class,
            case.target.against_class,
            options=spec.options,
            shared=case.words,
        )
    except MethodError as error:
        return str(error)
    finally:
        tick(_passes(classifier, case, spec))


def _of_words(case: _Case, found: Attribution | str) -> FloatArray | None:
    return None if isinstance(found, str) else case.words.over_words(found.scores)


def _residual(found: Attribution) -> float | None:
    """What an attribution misses of what it splits, relative to it; None where it splits nothing.

    With a bias it is the explained scalar that scores and bias split; a method that splits
    something else, as those that follow a path do, measures the gap itself.
    """
    if found.bias is None:
        return found.measured.get("convergence_delta")
    parts = float(found.scores.sum(dtype=np.float64)) + found.bias
    return abs(parts - found.value) / max(abs(found.value), SMALLEST)


def _n_maps(classifier: Classifier, spec: MethodSpec) -> int:
    """How many maps of each text are made to check a method."""
    n_classes = 2 if spec.method.of_class and classifier.n_classes > 1 else 0
    return 1 + n_classes + ("seed" in spec.options) + len(stages(classifier)) + 1


def _passes(classifier: Classifier, case: _Case, spec: MethodSpec) -> float:
    return spec.method.expected(case.words.n_words, classifier.n_layers, spec.options)
