"""Predictions and attributions in words, alike on screen, on paper and in a terminal."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from viz.attribution.registry import find_method
from viz.types import Attribution, Prediction, Reading, WordShares


class Explained(Protocol):
    """What is of a class: an attribution, a contribution, or a target.

    Where it has `against_all` and that is true, the class is compared with all others together.
    """

    @property
    def target_class(self) -> int:
        """The class that is explained."""

    @property
    def against_class(self) -> int | None:
        """The class it is compared with; None where there is not one."""


def true_minus(written: str) -> str:
    """A written number with a minus sign instead of a hyphen."""
    return written.replace("-", "−")


def number(value: float, places: int = 2) -> str:
    """A number with its sign, a true minus among them, but no minus before a zero."""
    return true_minus(f"{round(value, places) + 0.0:+.{places}f}")


def decimals(largest: float, *, least: int = 3) -> int:
    """Decimals that show three digits of the largest of some numbers, `least` at least."""
    return min(9, max(least, 2 - math.floor(math.log10(abs(largest) or 1.0))))


def percent(probability: float) -> str:
    """One decimal; what would be rounded to nothing, or to certainty, says so."""
    if 0 < probability < 0.0005:
        return "< 0.1%"
    if 0.9995 <= probability < 1:
        return "> 99.9%"
    return f"{100 * probability:.1f}%"


def amount(score: float, *, signed: bool = False) -> str:
    """A score of any unit: two decimals, or four below 1; with a plus where it is `signed`."""
    size, sign = abs(score), "+" if signed else ""
    if size and not 1e-3 <= size < 1e9:
        return true_minus(f"{score:{sign}.3e}")
    return true_minus(f"{score:{sign},.{2 if size >= 1 else 4}f}")


def quantity(value: float, places: int = 2, *, signed: bool, regression: bool) -> str:
    """A part of what is explained: decimals for logits, digits for a score of any unit."""
    if regression:
        return amount(value, signed=signed)
    return number(value, places) if signed else f"{value:.{places}f}"


def share_of_strongest(score: float, strongest: float, *, signed: bool) -> str:
    """A score as a percentage of the strongest word's, which is 100%."""
    percentage = 100 * score / strongest if strongest else 0.0
    written = true_minus(f"{percentage:{'+' if signed else ''}.1f}".removesuffix(".0"))
    return f"{written if written.strip('+−') != '0' else '0'}%"


def outcome(prediction: Prediction) -> str:
    """What is predicted, as in `Why this class?`."""
    return "score" if prediction.regression else "class"


def verdict(prediction: Prediction) -> tuple[str, str]:
    """What the text is put into, and with what probability; the least one of several classes.

    Of a regression, what its score is called, and how high it is; of a base model, that it has no
    class.
    """
    if not prediction.labels:
        return "no class", "without a classification head"
    assigned = prediction.assigned_classes
    if prediction.regression:
        return prediction.label, amount(float(prediction.logits[0]))
    if not assigned:
        most = float(prediction.probabilities.max())
        return "no class", f"all below 50%, at most {percent(most)}"
    least = min(float(prediction.probabilities[index]) for index in assigned)
    names = ", ".join(prediction.labels[index] for index in assigned)
    return names, percent(least) if len(assigned) == 1 else f"each {percent(least)} or more"


def explained_scalar(prediction: Prediction, attribution: Explained) -> str:
    """The explained scalar, as in `logit Business − logit Sci/Tech` or `log-odds Business`.

    Of a regression, what its score is called.
    """
    if prediction.regression:
        return prediction.label
    if getattr(attribution, "against_all", False):
        return f"log-odds {prediction.labels[attribution.target_class]}"
    own = f"logit {prediction.labels[attribution.target_class]}"
    against = attribution.against_class
    return own if against is None else f"{own} − logit {prediction.labels[against]}"


def scale_ends(prediction: Prediction, attribution: Explained) -> tuple[str, str]:
    """What the lowest and the highest score speak for."""
    if prediction.regression:
        return f"lowers {prediction.label}", f"raises {prediction.label}"
    target, against = prediction.labels[attribution.target_class], attribution.against_class
    low = f"against {target}" if against is None else f"for {prediction.labels[against]}"
    return low, f"for {target}"


def is_relative(attribution: Attribution) -> bool:
    """Whether only the proportions of what is shown mean something, as it has no unit."""
    return find_method(attribution.method).relative and attribution.shares is None


def summary(reading: Reading, attribution: Attribution) -> str:
    """One line on what the words do not show: hidden value, special tokens, bias, the explained.

    A sum is stated where parts add up: for shares of words, and for a method with a bias.

    Args:
        reading: The text that was read.
        attribution: What a method made of it.
    """
    if attribution.shares is not None:
        what = explained_scalar(reading.prediction, attribution)
        return f"{SumOfShares.of(reading.prediction, attribution.shares).sentence} {what}"
    signed = find_method(attribution.method).signed
    special = np.array([token.special for token in reading.encoding.tokens])
    scores = attribution.scores.astype(np.float64)
    parts = [("words", scores[~special].sum())]
    if special.any():
        parts.append(("special tokens", scores[special].sum()))
    write = partial(quantity, signed=signed, regression=reading.prediction.regression)
    if not signed:
        largest = max(part for _, part in parts)
        write = partial(write, places=decimals(largest, least=2))
        return " · ".join(f"{name} {write(part)}" for name, part in parts)
    what = explained_scalar(reading.prediction, attribution)
    if attribution.bias is None:
        value = write(attribution.value)
        if is_relative(attribution):
            return (
                f"{what} = {value}; scores are percentages of the strongest word's score: they show"
                " order and direction, and do not add up to it"
            )
        return f"{what} = {value}; scores show order and direction, and need not add up to it"
    parts.append(("bias", attribution.bias))
    ending = f"sum {write(sum(part for _, part in parts))} = {what}"
    return " · ".join((*(f"{name} {write(part)}" for name, part in parts), ending))


@dataclass(frozen=True, slots=True)
class SumOfShares:
    """What words share, rounded so that the parts that are written add up to the digit."""

    hidden: float
    value: float
    places: int

    @classmethod
    def of(
        cls, prediction: Prediction, shares: WordShares, places: int | None = None
    ) -> "SumOfShares":
        """The sum of a reading, to two decimals, or to digits that fit a predicted score.

        Args:
            prediction: Of the reading.
            shares: Of its words.
            places: Decimals; as many as these numbers need where None.
        """
        if places is None:
            largest = max(abs(shares.hidden), abs(shares.value))
            places = decimals(largest, least=2) if prediction.regression else 2
        # No minus before a zero.
        return cls(round(shares.hidden, places) + 0.0, round(shares.value, places) + 0.0, places)

    @property
    def words(self) -> float:
        """What is left between both others."""
        return round(self.value - self.hidden, self.places) + 0.0

    def less(self, other: "SumOfShares") -> "SumOfShares":
        """What changed from another sum of as many decimals, part by part."""
        hidden, value = self.hidden - other.hidden, self.value - other.value
        return SumOfShares(
            round(hidden, self.places) + 0.0, round(value, self.places) + 0.0, self.places
        )

    @property
    def sentence(self) -> str:
        """As in `every word hidden +0.40 · words +4.41 = +4.81`."""
        hidden, words, value = (
            number(each, self.places) for each in (self.hidden, self.words, self.value)
        )
        return f"every word hidden {hidden} · words {words} = {value}"
