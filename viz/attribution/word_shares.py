"""What words share: F(text) - F(the same text with every word hidden), split among its words.

Scores of most methods add up to nothing that a reader can check.  Here they are stretched until
they do, without a change of order or sign: raw scores of words for the class are multiplied by one
positive number, those against it by another.  The two come from two more versions of the text, with
the words for alone and with the words against alone, taken as two players of a game: each side gets
its Shapley value, and within a side words share it in proportion to their raw scores.
Source: viz/attribution/README.md 1.7.
"""

from dataclasses import replace
from math import sqrt

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.descriptions import number
from viz.attribution.method import Method
from viz.attribution.target import Target
from viz.errors import MethodError
from viz.model.perturbation import Operator, Perturbation
from viz.types import Attribution, WordShares, splits_difference

N_VERSIONS = 3
"""Versions of a text that are read: no word, the words for alone, the words against alone."""
LEAST_SIDE = 1e-3
"""The least that a side with words gets, as a part of the other's, so that its order is kept."""


def share_passes(method: Method) -> int:
    """How many passes it takes to share out what words change, by the scores of a method."""
    return N_VERSIONS if method.signed and method.class_specific else 0


def with_word_shares(
    attribution: Attribution,
    method: Method,
    versions: Perturbation,
    *,
    operator: Operator | None = None,
) -> Attribution:
    """The attribution with the shares of its words, or with a note that says why there are none.

    Args:
        attribution: What the method made of a text.
        method: By which it was made.
        versions: That text with words hidden; of a document, with each word hidden by itself.
        operator: How they are hidden; that of the method where None, or the first there is.

    Returns:
        The same where scores have no sign, don't depend on the class, or split another difference
        by themselves (integrated gradients from another baseline).
    """
    if not (share_passes(method) and versions.n_words):
        return attribution
    try:
        operator = operator or _operator(attribution, method, versions)
        shares = word_shares(attribution, versions, operator=operator)
    except MethodError as error:
        return replace(attribution, notes=(*attribution.notes, str(error)))
    if "baseline_value" in attribution.measured and shares.factors != (1.0, 1.0):
        return attribution
    return replace(attribution, shares=shares)


def word_shares(
    attribution: Attribution, versions: Perturbation, *, operator: Operator | None = None
) -> WordShares:
    """Split what hiding every word changes among the words, in order and direction of their scores.

    Args:
        attribution: Signed scores for a class.
        versions: The text with words hidden.
        operator: How they are hidden; by the mask token where there is one, if None.

    Returns:
        Shares of tokens, (T,), with the value of the text without its words; see `WordShares`.

    Raises:
        MethodError: where no positive factors make the scores add up, or no text is left to read.
    """
    operator = operator or versions.operators[0]
    raw = versions.to_words(attribution.scores)
    speaks_for, against = raw > 0, raw < 0
    target = Target(attribution.target_class, attribution.against_class, attribution.against_all)
    keep = np.stack([np.zeros_like(speaks_for), speaks_for, against])
    values = target.value(versions.logits(keep, operator).astype(np.float64))
    hidden, with_for, with_against = values.tolist()
    difference = attribution.value - hidden
    if splits_difference(float(raw.sum()), hidden, attribution.value):
        factors = (1.0, 1.0)
    else:
        # Each side's Shapley value: what it adds to nothing and to the other side, averaged.
        adds = (with_for - hidden + attribution.value - with_against) / 2
        sums = float(raw[speaks_for].sum()), -float(raw[against].sum())
        factors = share_factors(sums, (adds, difference - adds))
    return WordShares(
        _stretched(attribution.scores, versions, raw, factors),
        hidden,
        attribution.value,
        operator,
        factors,
    )


def share_factors(sums: tuple[float, float], sides: tuple[float, float]) -> tuple[float, float]:
    """What raw scores for and against are multiplied by, so that they add up to both sides.

    With p and n the sizes of what the sides add, the words for get t p and those against n / t
    together, where t p - n / t is the difference: t is 1 where each side adds what its sign says.

    Args:
        sums: The raw scores of the words for, and minus those of the words against, each summed up.
        sides: What the words for and the words against add; their sum is the difference.

    Raises:
        MethodError: where words of one sign alone can't add up to a difference of the other.
    """
    raw_for, raw_against = sums
    difference = sum(sides)
    largest = max(map(abs, sides))
    if not (raw_for and raw_against and largest):
        sign = 1 if raw_for else -1
        if not (raw_for or raw_against) or sign * difference <= 0:
            raise MethodError(_refusal(sums, difference))
        factor = sign * difference / (raw_for or raw_against)
        return (factor, 1.0) if raw_for else (1.0, factor)
    p, n = (max(abs(side), LEAST_SIDE * largest) for side in sides)
    root = sqrt(difference**2 + 4 * p * n)
    # Both are positive roots of the same equation; the other form would cancel.
    total = (difference + root) / 2 if difference > 0 else 2 * p * n / (root - difference)
    return total / raw_for, (p * n / total) / raw_against


def _refusal(sums: tuple[float, float], difference: float) -> str:
    sides = [side for side, raw in zip(("for", "against"), sums, strict=True) if raw]
    words = f"all words speak {sides[0]} it" if len(sides) == 1 else "no word speaks for or against"
    if len(sides) > 1:
        words = "neither side of the words changes anything"
    return (
        f"Hiding every word changes what is explained by {number(-difference)}, but {words}, so no "
        "shares of the words add up to that: scores show order and direction alone."
    )


def _operator(attribution: Attribution, method: Method, versions: Perturbation) -> Operator:
    """That of the method where it has one, else the first that the tokenizer allows."""
    used = method.operator_used(attribution.options, versions.operators)
    return next((own for own in versions.operators if own == used), versions.operators[0])


def _stretched(
    scores: FloatArray, versions: Perturbation, raw: FloatArray, factors: tuple[float, float]
) -> FloatArray:
    """The scores of tokens times the factor of their word, 0 at special tokens.  (T,)"""
    shares = np.zeros(len(scores), dtype=np.float64)
    for word, score in zip(versions.words, raw, strict=True):
        own = list(word.tokens)
        shares[own] = np.asarray(scores[own], dtype=np.float64) * factors[int(score < 0)]
    return shares
