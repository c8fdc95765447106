"""What an attribution method is, what it is given and what it returns.

`Method` is data: a name, what it costs, what it asks of a classifier, and a function from
`AttributionInput` to `TokenScores`.  `viz.attribution.registry` holds all of them.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from finetune.errors import quoted
from viz.attention import deciding_token
from viz.attention.long_attention import require_all_weights
from viz.attribution.target import Target
from viz.errors import CheckpointError, MethodError
from viz.jobs.background import ProgressCallback
from viz.jobs.layer_progress import layer_progress
from viz.model.classifier import Classifier
from viz.model.perturbation import OPERATORS, Perturbation
from viz.types import Reading

Options = Mapping[str, Any]
PASSES_PER_POINT = 2.0
"""Cost of one pass with its way down, in plain forward passes."""
MAX_INTERACTIVE_PASSES = 10.0
"""Passes that a reader is made to wait for; what takes more is done in the background."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9+._-]*[a-z0-9+])?")
"""Names stand in file names, links and `name:option=value`."""


def no_progress(passes: float) -> None:
    """For those who need no report."""


@dataclass(frozen=True)
class AttributionInput:
    """What a method is given: a reading, the scalar to explain, and how."""

    classifier: Classifier
    reading: Reading
    target: Target
    options: Options = field(default_factory=dict)
    """The value of every option of the method."""
    progress: ProgressCallback = no_progress
    """Called with the passes that the method runs itself; `perturbation` reports its own."""
    shared: Perturbation | None = None
    """Versions of the text that were read before, where there are any."""

    @cached_property
    def perturbation(self) -> Perturbation:
        """The text with words hidden."""
        return self.shared or Perturbation(self.classifier, self.reading.encoding, self.progress)

    def differentiated(self, n_rows: int) -> None:
        """Report so many passes with their way down; those of a long text report by layer."""
        if not self.classifier.is_long(self.reading.encoding.n_tokens):
            self.progress(PASSES_PER_POINT * n_rows)


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What a method returns for a text."""

    scores: NDArray[np.floating]
    """(T,), special tokens included."""
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
    """A setting of a method that a reader may choose."""

    name: str
    label: str
    default: str | int
    help: str
    """One sentence."""
    choices: tuple[str, ...] = ()
    """What may be chosen; empty for a number."""
    minimum: int = 1
    maximum: int = 1_000_000
    lacks: Callable[[Classifier, str], str | None] | None = None
    """Why a classifier lacks a choice, as a clause, or None where it has it; all have all where
    this is left out."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """The choices that a classifier lacks, and why; see `of`."""

    def of(self, classifier: Classifier) -> "Option":
        """The option as a classifier has it: without the choices that it lacks."""
        if self.lacks is None:
            return self
        reasons = {choice: self.lacks(classifier, choice) for choice in self.choices}
        missing = {choice: why for choice, why in reasons.items() if why is not None}
        choices = tuple(choice for choice in self.choices if choice not in missing)
        default = choices[0] if self.default in missing else self.default
        return replace(self, choices=choices, default=default, missing=missing)

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
        reason = self.missing.get(str(value))
        why = "" if reason is None else f", for {reason}"
        raise MethodError(
            f"{self.name} of {method} can't be {quoted(value)}{why}; it can be {allowed}."
        )


Requirement = Callable[[Classifier], None]
"""Raises a MethodError where a classifier does not allow what a method does."""

_refusals: WeakKeyDictionary[Classifier, dict[Requirement, str | None]] = WeakKeyDictionary()


def _refusal(requirement: Requirement, classifier: Classifier) -> str | None:
    refusals = _refusals.setdefault(classifier, {})
    if requirement not in refusals:
        try:
            requirement(classifier)
            refusals[requirement] = None
        except (MethodError, CheckpointError) as error:
            refusals[requirement] = str(error)
    return refusals[requirement]


_deciding_tokens: WeakKeyDictionary[Classifier, str] = WeakKeyDictionary()


def _deciding_token(read: Reading | Classifier) -> str:
    if isinstance(read, Reading):
        return deciding_token.name_of(read)
    if read not in _deciding_tokens:
        probe = read.encoder.probe()
        _deciding_tokens[read] = deciding_token.name(probe.tokens, read.pooling(probe))
    return _deciding_tokens[read]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to say how much each token matters.

    Raises:
        MethodError: for a name, label, cost or options that no method can have.
    """

    name: str
    """By which it is asked for: lowercase letters, digits and `+ . _ -`."""
    label: str
    """What a reader picks; `label_of` names the deciding token in it."""
    signed: bool
    """Whether scores speak for (+) and against (−) the class; else they say only how much."""
    cost: float
    """In plain forward passes; for a text of 40 words where it depends on the text."""
    description: str
    """One sentence; `description_of` names the deciding token in it."""
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
    """How it hides words ("mask", "delete" or "both"), unless its options say; None where it hides
    none.  A measure of faithfulness may share it."""
    hides_embeddings: bool = False
    """Whether it hides words in their embeddings, in part or wholly: by that of the mask token, or
    where there is none by zeros, which no operator does to a text."""
    control: bool = False
    """Whether its scores know nothing of the model, so that others can be compared with them."""
    against_all: bool = False
    """Whether it compares the class with all others together, whatever it is asked."""
    relative: bool = False
    """Whether only the proportions of its signed scores mean something, as they have no unit: where
    words have no shares (1.7), pages show them as percentages of the strongest word's."""
    by_window: bool = True
    """Whether the windows of a document can be explained one by one, each by its part of the
    explained scalar; a method that looks for an order of all words can't."""
    whole_maps: bool = False
    """Whether it needs the weights of all heads at once, which are not kept of a long text."""
    requirements: tuple[Requirement, ...] = ()
    """What a classifier must be for it."""

    def __post_init__(self) -> None:
        """Check what the page, links and file names rely on."""
        if not (isinstance(self.name, str) and NAME.fullmatch(self.name)):
            raise MethodError(
                f"{quoted(self.name)} can't be the name of a method; use lowercase letters, digits "
                "and '+', '.', '_' or '-' between them."
            )
        for what in ("label", "description", "reference"):
            text = getattr(self, what)
            if not (isinstance(text, str) and text.strip() and text.isprintable()):
                raise MethodError(f"The {what} of {self.name!r} has to be one line of text.")
        if not (isinstance(self.cost, (int, float)) and 0 <= self.cost < math.inf):
            raise MethodError(
                f"The cost of {self.name!r} is {quoted(self.cost)}; it has to be a number of "
                "forward passes, 0 or more."
            )
        if not callable(self.score):
            raise MethodError(
                f"The score of {self.name!r} has to be a function from AttributionInput to "
                "TokenScores."
            )
        if self.operator not in (None, *OPERATORS, "both"):
            raise MethodError(
                f"The operator of {self.name!r} can't be {quoted(self.operator)}; it can be "
                f"{', '.join(OPERATORS)}, both, or None."
            )
        names = [option.name for option in self.options]
        if len(set(names)) < len(names) or not all(map(str.isidentifier, names)):
            raise MethodError(
                f"The options of {self.name!r} need names of letters, digits and '_', each once."
            )
        for option in self.options:
            option.check(self.name, option.default)

    def run(self, inputs: AttributionInput) -> TokenScores:
        """Score the tokens of a text.

        Raises:
            MethodError: if the classifier or the text doesn't allow it, or the scores are not
                one number for each token.
            LongTextError: if all weights of the text would have to be kept.
        """
        refusal = self.refusal(inputs.classifier)
        if refusal is not None:
            raise MethodError(refusal)
        if self.whole_maps:
            require_all_weights(inputs.reading, f"The method {self.label}", "choose another method")
        with layer_progress(inputs.progress):
            result = self.score(inputs)
        expected = (inputs.reading.encoding.n_tokens,)
        if not isinstance(result, TokenScores) or np.shape(result.scores) != expected:
            what = (
                f"scores of shape {np.shape(result.scores)}"
                if isinstance(result, TokenScores)
                else f"{type(result).__name__}, not TokenScores"
            )
            raise MethodError(
                f"{self.name!r} returned {what}; one score for each of the {expected[0]} tokens is "
                "needed."
            )
        return result

    def refusal(self, classifier: Classifier) -> str | None:
        """Why it can't be used with a classifier, in one sentence; None where it can.

        Each requirement is tried once for a classifier; a text may still be refused later.
        """
        each = (_refusal(requirement, classifier) for requirement in self.requirements)
        return next(filter(None, each), None)

    def label_of(self, read: Reading | Classifier) -> str:
        """The label, with the deciding token by the name that it has there."""
        return deciding_token.named(self.label, _deciding_token(read))

    def description_of(self, read: Reading | Classifier) -> str:
        """The description, likewise."""
        return deciding_token.named(self.description, _deciding_token(read))

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
        operator = self.operator and str(options.get("operator", self.operator))
        if operator is None or operator in operators:
            return operator
        if self.hides_embeddings:
            return None
        # Without a mask token words are deleted.
        return "both" if operator == "both" and len(operators) > 1 else operators[0]

    def options_of(self, classifier: Classifier) -> tuple[Option, ...]:
        """The options with what a classifier lets choose, but for those that leave no choice."""
        offered = (option.of(classifier) for option in self.options)
        return tuple(option for option in offered if len(option.choices) != 1)

    def resolve_options(
        self, given: Options | None, classifier: Classifier | None = None
    ) -> Options:
        """The value of every option: those given, and the defaults of the others.

        Args:
            given: Values by name.
            classifier: What is explained, which may lack a choice; where None, none is lacked.

        Raises:
            MethodError: for an option that doesn't exist, or a value that isn't allowed.
        """
        given = given or {}
        options = {
            option.name: option if classifier is None else option.of(classifier)
            for option in self.options
        }
        for name in given:
            if name not in options:
                allowed = f"it has {', '.join(options)}" if options else "it has none"
                raise MethodError(f"{self.label} has no option {name!r}; {allowed}.")
        return MappingProxyType(
            {
                name: option.check(self.name, given.get(name, option.default))
                for name, option in options.items()
            }
        )

    def forward_passes(self, n_words: int, n_layers: int, options: Options) -> float:
        """About how many plain forward passes it will take."""
        estimate = self.estimated_forward_passes
        return self.cost if estimate is None else estimate(n_words, n_layers, options)
