"""The records that flow through `viz`: frozen, checked when created, with read-only arrays.

Shape letters: L layers, H heads, T tokens, Q query positions, K key positions, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.windows import WindowSettings
from viz.errors import MissingAttentionError, SelectionError

if TYPE_CHECKING:  # it is made of what the records below are made for
    from viz.attention.long_attention import LongAttention

BoolArray = NDArray[np.bool_]
Inputs = Mapping[str, IntArray]
"""The model's integer inputs of one text by name, each (T,)."""

ROW_TOLERANCE = 1e-4
"""How far the sum of a row of attention weights may be from 1 (float32 over 512 keys)."""
SHARE_TOLERANCE = 1e-3
"""How far shares of words may be from the difference that they split, relative to it."""
SINGLE_PRECISION = 1e-6
"""How far two readings may be from each other by rounding, relative to the larger."""


class ShownInNotebooks:
    """A record that Jupyter shows as its pictures; `viz.export.notebook` makes them."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The record by MIME type, as IPython asks for it; it picks what it can show."""
        # By name, since the records lie below every package, and only who looks at them draws.
        bundle: dict[str, str] = import_module("viz.export.notebook").mime_bundle(self)
        return bundle

    def _repr_html_(self) -> str | None:
        """The record as HTML; None where there is nothing to see."""
        return self._repr_mimebundle_().get("text/html")


def _frozen(values: ArrayLike) -> FloatArray:
    """A read-only copy: float64 stays, anything else becomes float32.

    What nobody can write to is not copied.
    """
    given = np.asarray(values)
    if (
        given.flags.owndata
        and not given.flags.writeable
        and given.dtype in (np.float32, np.float64)
    ):
        return given
    copy: FloatArray = given.astype(np.float64 if given.dtype == np.float64 else np.float32)
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, slots=True)
class Token:
    """One position of the model's input, special tokens included."""

    text: str
    """The vocabulary entry as the tokenizer spells it, e.g. `##ing`."""
    start: int
    """First character of the token in its text, blanks left out; 0 for a special token."""
    end: int
    """One past its last character; equal to `start` for a special token."""
    word: int | None
    """Index of the word it belongs to, counted over both texts; None for a special token."""
    special: bool
    """Whether the tokenizer added it ([CLS], [SEP], ...)."""
    part: int | None = None
    """0 for the text, 1 for the second text of a pair, None for a special token."""


class UnseenSpan(NamedTuple):
    """A stretch of a text that the model never saw."""

    part: int
    """0 for the text, 1 for the second text of a pair."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text, or a pair of texts, as the model sees it."""

    text: str
    pair: str | None
    tokens: tuple[Token, ...]
    inputs: Mapping[str, IntArray]
    """The model's integer inputs by name (`input_ids`, `attention_mask`, ...), each (T,)."""
    n_unseen: int = 0
    """Tokens cut off because the model reads only so many."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader must know: what was cut, unknown or replaced."""
    unseen: tuple[UnseenSpan, ...] = ()
    """What was cut off, in reading order."""

    def __post_init__(self) -> None:
        """Check that tokens and inputs are equally long, and freeze the inputs."""
        for name, values in self.inputs.items():
            if values.shape != (len(self.tokens),):
                raise ValueError(
                    f"{name} has shape {values.shape}, but there are {len(self.tokens)} tokens"
                )
            values.setflags(write=False)
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))

    @property
    def n_tokens(self) -> int:
        """How many positions the model reads, special tokens included."""
        return len(self.tokens)

    def token_text(self, token: Token) -> str:
        """What stands in the text where a token was read."""
        return self.part_text(token.part)[token.start : token.end]

    def part_text(self, part: int | None) -> str:
        """The text that offsets of tokens with this `part` point into."""
        return (self.pair or "") if part == 1 else self.text


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the classifier says of one text."""

    labels: tuple[str, ...]
    logits: FloatArray
    """(C,)"""
    probabilities: FloatArray
    """(C,): softmax of the logits, or their sigmoid for a multi-label head.

    (0,) for a regression, which has none.
    """
    multi_label: bool = False
    """Whether every class is decided on its own."""
    regression: bool = False
    """Whether the one logit is the prediction itself, a score in a unit of its own."""

    def __post_init__(self) -> None:
        """Check the shapes and freeze the arrays."""
        expected = {"logits": len(self.labels), "probabilities": len(self.labels)}
        if self.regression:
            expected = {"logits": 1, "probabilities": 0}
        for name, size in expected.items():
            array = _frozen(getattr(self, name))
            if array.shape != (size,):
                raise ValueError(f"{name} has shape {array.shape} for {len(self.labels)} labels")
            object.__setattr__(self, name, array)

    @property
    def predicted_class(self) -> int:
        """Index of the class with the highest logit.

        Raises:
            SelectionError: for a base model, which has no classes.
        """
        if not self.labels:
            raise SelectionError(
                "The model has no classification head, so there is no class; open a checkpoint "
                "that was fine-tuned to classify."
            )
        return int(np.argmax(self.logits))

    @property
    def label(self) -> str:
        """Name of the predicted class."""
        return self.labels[self.predicted_class]

    @property
    def probability(self) -> float | None:
        """Probability of the predicted class; None for a regression."""
        return None if self.regression else float(self.probabilities[self.predicted_class])

    @property
    def assigned_classes(self) -> tuple[int, ...]:
        """The classes the text is put into: one, or for a multi-label head all at 0.5 and above.

        None for a base model.
        """
        if not self.labels:
            return ()
        if not self.multi_label:
            return (self.predicted_class,)
        order = np.argsort(-self.probabilities, kind="stable")
        return tuple(int(index) for index in order if self.probabilities[index] >= 0.5)

    def runner_up(self, target_class: int) -> int | None:
        """The strongest class other than `target_class`; None where there is no other."""
        order = np.argsort(-self.logits, kind="stable")
        return next((int(index) for index in order if index != target_class), None)


@dataclass(frozen=True, slots=True)
class Attention:
    """Attention weights of one forward pass: where each head looks."""

    weights: FloatArray
    """(L, H, Q, K): row `q` is the token that looks, column `k` the token looked at."""
    impossible: BoolArray | None = None
    """(L, Q, K): which keys no head of a layer can look at from a query, for a causal mask or a
    window forbids it; None where every token can look at every other.  Their weights are 0."""
    sink: FloatArray | None = None
    """(L, H, Q): what a query gives to no token, in families that have a sink for it; with it a row
    of weights sums to 1.  None where there is no sink."""

    def __post_init__(self) -> None:
        """Check that the array is square in its tokens and that every row sums to 1."""
        weights = _frozen(self.weights)
        if weights.ndim != 4 or weights.shape[2] != weights.shape[3]:
            raise ValueError(f"weights have shape {weights.shape}; (L, H, T, T) is needed")
        totals = weights.sum(-1)
        if self.sink is not None:
            sink = _frozen(self.sink)
            if sink.shape != totals.shape:
                raise ValueError(f"sink has shape {sink.shape}; {totals.shape} is needed")
            object.__setattr__(self, "sink", sink)
            totals = totals + sink
        gap = float(np.abs(totals - 1).max())
        if not gap <= ROW_TOLERANCE:
            raise ValueError(f"a row of attention weights is {gap:.2g} away from a sum of 1")
        object.__setattr__(self, "weights", weights)
        if self.impossible is not None:
            object.__setattr__(self, "impossible", self._checked(self.impossible))

    def _checked(self, given: ArrayLike) -> BoolArray | None:
        """The impossible pairs, read-only; None where there are none."""
        impossible = np.array(given, dtype=bool)
        expected = (self.n_layers, self.n_tokens, self.n_tokens)
        if impossible.shape != expected:
            raise ValueError(f"impossible has shape {impossible.shape}; {expected} is needed")
        if not impossible.any():
            return None
        if self.weights.sum(axis=1)[impossible].any():
            raise ValueError("a key that can't be looked at has a weight other than 0")
        impossible.setflags(write=False)
        return impossible

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return int(self.weights.shape[0])

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""
        return int(self.weights.shape[1])

    @property
    def n_tokens(self) -> int:
        """Number of token positions."""
        return int(self.weights.shape[2])


@dataclass(frozen=True, slots=True)
class MissingAttention:
    """Stands for the attention of a network that has no map of each token by each token."""

    reason: str
    """One sentence for the reader."""

    @property
    def weights(self) -> NoReturn:
        """Nothing.

        Raises:
            MissingAttentionError: always; it says why.
        """
        raise MissingAttentionError(self.reason)

    impossible = n_layers = n_heads = n_tokens = weights


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """Of which document a reading is a part: a text that was read in overlapping windows."""

    text: str
    """The whole text."""
    settings: WindowSettings
    """How it was cut, and how the logits of its windows were pooled."""
    index: int | None = None
    """The window, counted from 0; None for all of them pooled."""


@dataclass(frozen=True, slots=True)
class Reading(ShownInNotebooks):
    """One text read once: how it was encoded, what was predicted, where the heads looked."""

    encoding: Encoding
    prediction: Prediction
    attention: "Attention | LongAttention | MissingAttention"
    checkpoint: str
    """Name of the checkpoint that read it."""
    fingerprint: str = ""
    """SHA-256 of that checkpoint's weight files, in hexadecimal; empty where nobody took it."""
    pooling: FloatArray | None = None
    """How much of each token's last state is read for the class; sums to 1.  All of the first
    token's in BERT, of the last one's in GPT-2, the same of each where a mean is taken.  None where
    that can't be told.  (T,)"""
    without: tuple[tuple[int, int], ...] = ()
    """The heads that were off, each (layer, head), in order; see `Classifier.without`."""
    document: DocumentPart | None = None
    """The document that this is a window of, or all windows of; None for a text read at once."""

    def __post_init__(self) -> None:
        """Check the shares and freeze them."""
        if self.pooling is None:
            return
        pooling = _frozen(self.pooling)
        if pooling.shape != (self.encoding.n_tokens,):
            raise ValueError(
                f"pooling has shape {pooling.shape} for {self.encoding.n_tokens} tokens"
            )
        if not abs(float(pooling.sum()) - 1) <= ROW_TOLERANCE:
            raise ValueError(f"the shares of pooling sum to {float(pooling.sum()):.6g}, not to 1")
        object.__setattr__(self, "pooling", pooling)

    @property
    def deciding_token(self) -> int | None:
        """The position of the one token that the class is read from; None where it is not one."""
        if self.pooling is None or not (self.pooling == 1).any():
            return None
        return int(self.pooling.argmax())


def splits_difference(total: float, hidden: float, value: float) -> bool:
    """Whether what words have together is the difference that hiding every one of them makes.

    Measured against that difference, since a score may lie far from 0, as a year does.
    """
    difference = value - hidden
    rounding = SINGLE_PRECISION * max(abs(hidden), abs(value))
    return abs(total - difference) <= SHARE_TOLERANCE * abs(difference) + rounding


@dataclass(frozen=True, slots=True)
class WordShares:
    """What each word adds to an explained scalar: F(text) = F(every word hidden) + their sum."""

    scores: FloatArray
    """(T,); 0 at special tokens.  Those of a word are summed up."""
    hidden: float
    """The explained scalar of the same text with every word hidden."""
    value: float
    """The explained scalar of the text."""
    operator: str
    """How words were hidden: "mask" or "delete"."""
    factors: tuple[float, float] = (1.0, 1.0)
    """What the raw scores of words for and of words against were multiplied by; 1 and 1 where
    they add up by themselves."""

    def __post_init__(self) -> None:
        """Refuse shares that don't add up, or that change the sign of a word; freeze them."""
        scores = _frozen(np.asarray(self.scores, dtype=np.float64))
        self.require_sum(float(scores.sum()))
        if not min(self.factors) > 0:
            raise ValueError(f"factors are {self.factors}; both have to be above 0")
        object.__setattr__(self, "scores", scores)

    def require_sum(self, total: float) -> None:
        """Refuse a sum of shares that doesn't add up with the hidden value.

        Raises:
            ValueError: says how far it is away.
        """
        if not splits_difference(total, self.hidden, self.value):
            gap = abs(self.hidden + total - self.value)
            raise ValueError(
                f"hidden value and shares are {gap:.3g} away from the explained {self.value:.6g}"
            )


@dataclass(frozen=True, slots=True)
class Attribution(ShownInNotebooks):
    """The signed share of one explained scalar that each token holds."""

    scores: FloatArray
    """(T,)"""
    value: float
    """The explained scalar: logit of the target, minus that of the class it is compared with, or
    the log-odds of the target where it is compared with all others together."""
    bias: float | None
    """What no token can claim; None where the method does not split the value."""
    method: str
    target_class: int
    against_class: int | None
    """The class the target is compared with; None where the plain logit is explained."""
    settings: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    """The options of the method, with their values."""
    errors: FloatArray | None = None
    """Standard errors of the scores; over a word their squares add up.  (T,)"""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about itself: steps, rows, the completeness gap."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing a reader must know before believing the scores."""
    against_all: bool = False
    """Whether the target is compared with all other classes together; `against_class` is None."""
    reading: Reading | None = field(default=None, repr=False, compare=False)
    """What was explained; None where it is not kept."""
    shares: WordShares | None = None
    """The scores of words as shares of what hiding every word changes; None where nobody asked for
    them, or where there are none."""

    @property
    def shown(self) -> FloatArray:
        """The scores as readers see them: shares where there are any, else as they are.  (T,)"""
        return self.scores if self.shares is None else self.shares.scores

    @property
    def shown_errors(self) -> FloatArray | None:
        """Standard errors of `shown`; None where the scores are exact.  (T,)"""
        if self.errors is None or self.shares is None:
            return self.errors
        positive, negative = self.shares.factors
        factors = np.where(self.scores > 0, positive, negative)
        return np.where(self.scores == 0, (positive + negative) / 2, factors) * self.errors

    def __post_init__(self) -> None:
        """Freeze the scores and the settings."""
        object.__setattr__(self, "scores", _frozen(self.scores))
        if self.errors is not None:
            object.__setattr__(self, "errors", _frozen(self.errors))
        for name in ("settings", "options", "measured"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True, slots=True)
class Contribution(ShownInNotebooks):
    """What every attention weight of every head adds to the explained scalar.

    `values[l, h, q, k]` is the signed share of the scalar that reaches it through head `h` of layer
    `l` from key `k` to query `q`: the weight times the scalar's slope in it, with attention and
    normalization held fixed (viz/attribution/README.md 2.4).
    """

    values: FloatArray
    """(L, H, Q, K), signed."""
    value: float
    """The explained scalar."""
    target_class: int
    against_class: int | None
    """The class the target is compared with; None where the plain logit is explained."""
    reading: Reading | None = field(default=None, repr=False, compare=False)
    """What was explained; None where it is not kept."""

    def __post_init__(self) -> None:
        """Check the shape and freeze the values."""
        values = _frozen(self.values)
        if values.ndim != 4 or values.shape[2] != values.shape[3]:
            raise ValueError(f"values have shape {values.shape}; (L, H, T, T) is needed")
        object.__setattr__(self, "values", values)
