"""What a method is, what it explains, what it is given and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from finetune.errors import quoted
from viz.errors import CheckpointError, MethodError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import FloatArray, Prediction, Reading

Values = TypeVar("Values", Tensor, FloatArray)
Options = Mapping[str, Any]
MAX_INTERACTIVE_PASSES = 10.0
"""Passes that a reader is made to wait for; what takes more is done in the background."""


def no_progress(passes: float) -> None:
    """For those who need no report."""


@dataclass(frozen=True, slots=True)
class Target:
    """The explained scalar: one logit, one minus another, or the log-odds against all others."""

    target_class: int
    against_class: int | None
    against_all: bool = False

    def value(self, logits: Values) -> Values:
        """The scalar of logits, in their graph if they have one.  (..., C) -> (...)"""
        own = logits[..., self.target_class]
        if self.against_all:
            return own - _together(logits, self.target_class)
        if self.against_class is None:
            return own
        return own - logits[..., self.against_class]


def _together(logits: Values, left_out: int) -> Values:
    """The logarithm of the sum of exponentials of all logits but one.  (..., C) -> (...)"""
    others = [index for index in range(logits.shape[-1]) if index != left_out]
    if isinstance(logits, Tensor):
        return logits[..., others].logsumexp(-1)
    joined: Values = np.logaddexp.reduce(logits[..., others], axis=-1)
    return joined


def against_all(prediction: Prediction, target_class: int) -> Target:
    """A class held against all others together, which is the plain logit where none compete."""
    if prediction.multi_label or len(prediction.labels) == 1:
        return Target(target_class, None)
    if len(prediction.labels) == 2:
        return Target(target_class, 1 - target_class)
    return Target(target_class, None, against_all=True)


@dataclass(frozen=True)
class AttributionInput:
    """What a method is given: a reading, the scalar to explain, and how."""

    classifier: Classifier
    reading: Reading
    target: Target
    options: Options = field(default_factory=dict)
    """The value of every option of the method."""
    progress: ProgressCallback = no_progress
    """To be told of passes done by the method itself; hidden versions report on their own."""
    shared: Perturbation | None = None
    """Versions that were read before, where there are any."""

    @cached_property
    def perturbation(self) -> Perturbation:
        """The text with words hidden."""
        return self.shared or Perturbation(self.classifier, self.reading.encoding, self.progress)


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What a method makes of a text."""

    scores: NDArray[np.floating]
    """(T,)"""
    bias: float | None = None
    """What no token can claim, where scores and bias add up to the explained scalar."""
    errors: NDArray[np.floating] | None = None
    """Standard errors of the scores; their squares add up over tokens.  None where exact.  (T,)"""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about itself: steps taken, rows read, the completeness gap."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader must know before believing the scores."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something about a method that a reader may choose."""

    name: str
    label: str
    default: str | int
    help: str
    """One sentence."""
    choices: tuple[str, ...] = ()
    """What may be chosen; empty for a number."""
    minimum: int = 1
    maximum: int = 1_000_000

    def check(self, method: str, value: object) -> str | int:
        """The value, if it is allowed.

        Raises:
            MethodError: one sentence that says what is.
        """
        if self.choices:
            if value in self.choices:
                return value
            allowed = ", ".join(self.choices)
        else:
            number = isinstance(value, int) and not isinstance(value, bool)
            if number and self.minimum <= cast(int, value) <= self.maximum:
                return cast(int, value)
            allowed = f"{self.minimum} to {self.maximum}"
        raise MethodError(f"{self.name} of {method} can't be {quoted(value)}; it can be {allowed}.")


Requirement = Callable[[Classifier], None]
"""Raises a MethodError where a classifier does not allow what a method does."""

_tried: WeakKeyDictionary[Classifier, dict[Requirement, str | None]] = WeakKeyDictionary()


def _refusal(need: Requirement, classifier: Classifier) -> str | None:
    known = _tried.setdefault(classifier, {})
    if need not in known:
        try:
            need(classifier)
            known[need] = None
        except (MethodError, CheckpointError) as error:
            known[need] = str(error)
    return known[need]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to say how much each token matters."""

    name: str
    label: str
    """What a reader picks."""
    signed: bool
    """Whether scores speak for (+) and against (−) the class; else they say only how much."""
    cost: float
    """In plain forward passes; for a text of 40 words where it depends on the text."""
    description: str
    """One sentence."""
    reference: str
    """Where it was published."""
    score: Callable[[AttributionInput], TokenScores]
    """Scores a text, whatever the classifier; `run` asks first whether it may."""
    class_specific: bool = True
    """Whether scores depend on the explained class; else they show where the model looks."""
    options: tuple[Option, ...] = ()
    estimated_forward_passes: Callable[[int, int, Options], float] | None = None
    """Cost for n words, n layers and the options given; None where it is always `cost`."""
    operator: str | None = None
    """The operator its scores are made with, or both; a measure of faithfulness may share it."""
    control: bool = False
    """Whether its scores know nothing of the model, so that others can be held against them."""
    against_all: bool = False
    """Whether it holds the class against all others together, whatever it is asked."""
    requirements: tuple[Requirement, ...] = ()
    """What a classifier must be for it."""

    def run(self, task: AttributionInput) -> TokenScores:
        """Score the tokens of a text.

        Raises:
            MethodError: where the classifier or the text doesn't allow it.
        """
        refusal = self.refusal(task.classifier)
        if refusal is not None:
            raise MethodError(refusal)
        return self.score(task)

    def refusal(self, classifier: Classifier) -> str | None:
        """Why it can't be used with a classifier, in one sentence; None where it can.

        Each need is tried once for a classifier; a text may still be refused later.
        """
        return next(filter(None, (_refusal(need, classifier) for need in self.requirements)), None)

    @property
    def costly(self) -> bool:
        """Whether it takes too long for a reader to wait for it."""
        return self.cost > MAX_INTERACTIVE_PASSES

    @property
    def caveat(self) -> str | None:
        """What a reader must not take unsigned scores for; None where scores have a sign."""
        if self.signed:
            return None
        if self.class_specific:
            return "This says how much a word matters for the class or score, not which way."
        if self.control:
            return None
        return (
            "This shows where the model looks, how much and not which way; it is not an explanation"
            " of the prediction."
        )

    def operator_used(self, options: Options, operators: Sequence[str]) -> str | None:
        """Which of the *operators* that a text allows the scores were made with, or `both`."""
        wanted = self.operator and str(options.get("operator", self.operator))
        if wanted is None or wanted in operators:
            return wanted
        # Without a mask token words are deleted, whatever was asked for.
        return "both" if wanted == "both" and len(operators) > 1 else operators[0]

    def resolve_options(self, given: Options | None) -> Options:
        """The value of every option: those given, and the defaults of the others.

        Raises:
            MethodError: for an option that doesn't exist, or a value that isn't allowed.
        """
        given = given or {}
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                allowed = f"it has {', '.join(known)}" if known else "it has none"
                raise MethodError(f"{self.label} has no option {name!r}; {allowed}.")
        return MappingProxyType(
            {
                name: option.check(self.name, given.get(name, option.default))
                for name, option in known.items()
            }
        )

    def forward_passes(self, n_words: int, n_layers: int, options: Options) -> float:
        """About how many plain forward passes it will take."""
        estimate = self.estimated_forward_passes
        return self.cost if estimate is None else estimate(n_words, n_layers, options)
