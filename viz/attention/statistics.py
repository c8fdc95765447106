"""Statistics of heads: seven numbers and the name of a pattern for each head's attention.

They are taken over the model's own tokens, special ones included, so they do not depend on what is
displayed.  Each is a mean over the rows (the tokens that look), as in Clark et al. 2019, "What Does
BERT Look At? An Analysis of BERT's Attention" (section 3), whose surface patterns are named here:
heads that look at the previous or the next token, at [SEP], at [CLS], or broadly.

Where a causal mask or a window forbids keys, only what is possible counts.  A row with one key that
it can look at, as the first one of a causal map, has no choice: it is left out of every mean, so
that nothing forced is taken for a habit.  Entropy stays in bits, and a head is broad by the bits
that its rows could have.  A share is of all weight of the rows that count.  Where no token of any
layer can look at the next one, as in causal maps, that share is 0 and not among `statistics`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.types import BoolArray, Encoding

MAJORITY = 0.5
"""A head has a target where more than this share of its weight goes there: no other target can then
hold as much.  Clark et al. count heads with "> 50%" on the previous or the next token likewise."""
BROAD = 0.8
"""A head is broad from this share of the largest possible entropy on, log2 of the number of tokens
that a row can look at: at 128 tokens 5.6 bits, as if spread evenly over 49.  The broad heads of
Clark et al. (their figure 4) lie there; a bound in bits would call every head of a short text
narrow."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic: the field of `HeadStatistics` that holds it, its label, unit and meaning."""

    name: str
    label: str
    unit: str
    sentence: str


STATISTICS: tuple[Statistic, ...] = (
    Statistic(
        "entropy",
        "entropy",
        "bits",
        "How widely each token looks, on average: b bits are as wide as looking evenly at 2^b "
        "tokens.",
    ),
    Statistic(
        "distance",
        "mean distance",
        "tokens",
        "How many tokens away the tokens looked at are, on average, weighted by attention.",
    ),
    Statistic(
        "to_first", "to [CLS]", "share", "Share of the weight on the first token, [CLS] or <s>."
    ),
    Statistic(
        "to_separators",
        "to [SEP]",
        "share",
        "Share of the weight on the other special tokens, [SEP] or </s>.",
    ),
    Statistic(
        "to_itself", "to itself", "share", "Share of the weight that tokens give to themselves."
    ),
    Statistic("to_previous", "to previous", "share", "Share of the weight on the previous token."),
    Statistic("to_next", "to next", "share", "Share of the weight on the next token."),
    Statistic("pattern", "pattern", "", "The first pattern whose rule applies to the head."),
)

PATTERNS: dict[str, str] = {
    "previous token": "More than half of the weight is on the previous token.",
    "next token": "More than half of the weight is on the next token.",
    "itself": "More than half of the weight is on the token itself.",
    "first token sink": "More than half of the weight is on the first token, [CLS] or <s>.",
    "separator sink": "More than half of the weight is on other special tokens, [SEP] or </s>.",
    "broad": "The entropy is at least 80% of that of attention spread evenly over all tokens.",
    "local": "More than half of the weight is on the token itself, the previous and the next one.",
    "mixed": "None of the other patterns.",
}
"""The rules in the order in which they are tried; the first that is met names the head."""
BROAD_RULE_OF_MASKS = (
    "The entropy is at least 80% of that of attention spread evenly over all that can be looked at."
)
"""What is said of a broad head where a mask forbids some keys."""


@dataclass(frozen=True, slots=True)
class HeadStatistics:
    """Statistics of every head of one reading, each (L, H) and read-only."""

    entropy: FloatArray
    """Bits, 0 to log2 T: of each row, mean over the rows that have a choice."""
    distance: FloatArray
    """Tokens: |q - k| weighted by the attention of q to k, mean over rows."""
    to_first: FloatArray
    """Share of weight on the first token; this and all shares are means over the same rows."""
    to_separators: FloatArray
    """Share of weight on special tokens after the first."""
    to_itself: FloatArray
    to_previous: FloatArray
    """Share of weight on the previous token; the first token, which has none, counts as 0."""
    to_next: FloatArray
    """Share of weight on the next token; the last token, which has none, counts as 0."""
    pattern: NDArray[np.str_]
    """A name in `PATTERNS`."""
    statistics: tuple[Statistic, ...] = STATISTICS
    """What they are called for this text, whose special tokens are perhaps not [CLS] and [SEP]."""
    patterns: Mapping[str, str] = field(default_factory=lambda: PATTERNS)
    """The rules, likewise."""

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for statistic in STATISTICS:
            getattr(self, statistic.name).setflags(write=False)


def head_statistics(
    encoding: Encoding, weights: FloatArray, impossible: BoolArray | None = None
) -> HeadStatistics:
    """Compute the statistics of every head.

    Args:
        encoding: The text that was read; says which tokens are special.
        weights: (L, H, T, T), as in `Reading.attention.weights`: rows sum to 1.
        impossible: (L, T, T), as in `Reading.attention.impossible`; None where all is possible.

    Raises:
        ValueError: if the weights are for another number of tokens.
    """
    n_tokens = encoding.n_tokens
    if weights.ndim != 4 or weights.shape[2:] != (n_tokens, n_tokens) or not n_tokens:
        raise ValueError(
            f"weights have shape {weights.shape}; (L, H, {n_tokens}, {n_tokens}) is needed"
        )
    separators = separator_places(encoding)
    n_rows: FloatArray | int = n_tokens
    widest: FloatArray | float = np.log2(n_tokens)
    if impossible is not None:
        counted = has_choice(impossible)
        weights = weights * counted[:, None, :, None]
        n_rows = counted.sum(-1, keepdims=True).astype(weights.dtype)
        widest = even_entropy(impossible)[:, None]
    diagonal = partial(np.trace, weights, axis1=2, axis2=3)
    shares = {
        "to_first": weights[..., 0].sum(-1),
        "to_separators": weights[..., separators].sum((-1, -2)),
        "to_itself": diagonal(offset=0),
        "to_previous": diagonal(offset=-1),
        "to_next": diagonal(offset=1),
    }
    numbers = {name: total / n_rows for name, total in shares.items()}
    numbers |= {"entropy": _entropy(weights, n_rows), "distance": _distance(weights, n_rows)}
    return named_statistics(
        encoding,
        numbers,
        widest,
        masked=impossible is not None,
        looks_ahead=_looks_ahead(impossible),
    )


def separator_places(encoding: Encoding) -> list[int]:
    """Where special tokens stand, but for the first one."""
    return [at for at, token in enumerate(encoding.tokens) if at and token.special]


def named_statistics(
    encoding: Encoding,
    numbers: dict[str, FloatArray],
    widest: FloatArray | float,
    *,
    masked: bool,
    looks_ahead: bool,
) -> HeadStatistics:
    """The statistics of every head with their patterns, and what they are called for a text.

    Args:
        encoding: The text that was read.
        numbers: The statistics by name, each (L, H).
        widest: The largest entropy that a head can have, in bits: of all heads, or (L, 1).
        masked: Whether some keys can't be looked at.
        looks_ahead: Whether any token of any layer can look at the next one.
    """
    rules = PATTERNS | {"broad": BROAD_RULE_OF_MASKS} if masked else PATTERNS
    return HeadStatistics(
        **numbers,
        pattern=_patterns(numbers, BROAD * widest),
        statistics=_statistics_of(encoding, looks_ahead=looks_ahead),
        patterns={name: _true_of(encoding, rule) for name, rule in rules.items()},
    )


def _looks_ahead(impossible: BoolArray | None) -> bool:
    """Whether any token of any layer can look at the next one."""
    if impossible is None or impossible.shape[-1] < 2:
        return True
    return not np.diagonal(impossible, offset=1, axis1=1, axis2=2).all()


def _statistics_of(encoding: Encoding, *, looks_ahead: bool) -> tuple[Statistic, ...]:
    """The statistics by the special tokens of a text; without those that no token can have."""
    first, *rest = encoding.tokens
    others = sorted({token.text for token in rest if token.special})
    labels = {
        "to_first": f"to {first.text}" if first.special else "to first token",
        "to_separators": f"to {others[0]}" if len(others) == 1 else "to special tokens",
    }
    return tuple(
        replace(
            statistic,
            label=labels.get(statistic.name, statistic.label),
            sentence=_true_of(encoding, statistic.sentence),
        )
        for statistic in STATISTICS
        if (others or statistic.name != "to_separators")
        and (looks_ahead or statistic.name != "to_next")
    )


def _true_of(encoding: Encoding, sentence: str) -> str:
    """A sentence without the names of special tokens that a text doesn't have."""
    first, *rest = encoding.tokens
    others = {token.text for token in rest if token.special}
    if not (first.special and first.text in ("[CLS]", "<s>")):
        sentence = sentence.replace(", [CLS] or <s>", "")
    return sentence if others <= {"[SEP]", "</s>"} else sentence.replace(", [SEP] or </s>", "")


def has_choice(impossible: BoolArray) -> BoolArray:
    """The rows that can look at more than one key; all rows of a layer where none can.

    (L, T, T) -> (L, T)
    """
    choice = (~impossible).sum(-1) > 1
    return np.asarray(choice | ~choice.any(-1, keepdims=True))


def even_entropy(impossible: BoolArray) -> FloatArray:
    """Bits of attention spread evenly over what each row can look at, mean over rows.

    It is the largest entropy that a head of the layer can have.  (L, T, T) -> (L,)
    """
    bits, counted = np.log2((~impossible).sum(-1)), has_choice(impossible)
    return np.asarray((bits * counted).sum(-1) / counted.sum(-1))


def _entropy(weights: FloatArray, n_rows: FloatArray | int) -> FloatArray:
    """Entropy in bits of each row, mean over `n_rows`.  (L, H, T, T) -> (L, H)"""
    smallest = np.finfo(weights.dtype).tiny
    # One head at a time, in one buffer that stays in the processor's cache.
    logs = np.empty(weights.shape[2:], weights.dtype)
    sums = np.empty(weights.shape[:2], weights.dtype)
    for place in np.ndindex(*sums.shape):
        np.maximum(weights[place], smallest, out=logs)
        sums[place] = np.vdot(weights[place], np.log(logs, out=logs))
    bits: FloatArray = (sums / (-np.log(2) * n_rows)).clip(0).astype(weights.dtype)
    return bits


def _distance(weights: FloatArray, n_rows: FloatArray | int) -> FloatArray:
    """Mean over `n_rows` of the distance |q - k| weighted by attention.  (L, H, T, T) -> (L, H)"""
    at = np.arange(weights.shape[-1])
    steps = np.abs(at[:, None] - at).astype(weights.dtype)
    return np.asarray(np.tensordot(weights, steps, 2) / n_rows, weights.dtype)


def _patterns(numbers: dict[str, FloatArray], broad_from: FloatArray | float) -> NDArray[np.str_]:
    """The name of the first rule that each head meets.  (L, H)

    Args:
        numbers: The statistics by name, each (L, H).
        broad_from: Bits from which on a head is broad, of all heads or (L, 1).
    """
    near = numbers["to_previous"] + numbers["to_itself"] + numbers["to_next"]
    rules = {
        "previous token": numbers["to_previous"] > MAJORITY,
        "next token": numbers["to_next"] > MAJORITY,
        "itself": numbers["to_itself"] > MAJORITY,
        "first token sink": numbers["to_first"] > MAJORITY,
        "separator sink": numbers["to_separators"] > MAJORITY,
        "broad": numbers["entropy"] >= broad_from,
        "local": near > MAJORITY,
        "mixed": np.ones_like(near, bool),
    }
    # Read from PATTERNS, so that the order on screen is the order of the rules.
    first = np.argmax([rules[name] for name in PATTERNS], axis=0)
    return np.asarray(np.array(list(PATTERNS))[first])
