"""A comparison in words and numbers, alike on the page, in files and in a terminal."""

from viz.attention.rollout import place
from viz.attribution import find_method
from viz.attribution.descriptions import SumOfShares, explained_scalar, quantity, scale_ends
from viz.comparison.head_comparison import HeadComparison
from viz.comparison.word_comparison import WordComparison
from viz.types import Prediction


def word_summary(words: WordComparison, prediction: Prediction) -> str:
    """What changed in all: hidden value, words, special tokens, bias and the explained scalar.

    Sums are stated where parts add up: for shares of words, a line for each reading and one for
    the change, and for a method with a bias.  All else is one line.

    Args:
        words: The scores of both readings.
        prediction: That of the first reading, by which classes are named.
    """
    sums = sums_of_shares(words, prediction)
    if sums is not None:
        what = explained_scalar(prediction, words.first)
        sentences = (each.sentence for each in (*sums, sums[1].less(sums[0])))
        names = ("first", "second", "change")
        return (
            "\n".join(
                f"{name}: {sentence}" for name, sentence in zip(names, sentences, strict=True)
            )
            + f" {what}"
        )
    signed = find_method(words.method).signed

    def write(value: float) -> str:
        return quantity(value, signed=True, regression=prediction.regression)

    special = [change.difference for change in words.changes if change.edit.span.special]
    others = [change.difference for change in words.changes if not change.edit.span.special]
    parts = [f"words {write(sum(others))}"]
    if special:
        parts.append(f"special tokens {write(sum(special))}")
    if not signed:
        return f"Change of scores: {' · '.join(parts)}"
    what = explained_scalar(prediction, words.first)
    before, after = (
        quantity(each.value, signed=True, regression=prediction.regression)
        for each in (words.first, words.second)
    )
    if words.bias_difference is None:
        return (
            f"{what}: {before}, then {after}; scores show order and direction, and need not add up "
            "to it"
        )
    parts.append(f"bias {write(words.bias_difference)}")
    change = write(words.second.value - words.first.value)
    return f"{' · '.join(parts)} · sum {change} = change of {what} ({before}, then {after})"


def sums_of_shares(
    words: WordComparison, prediction: Prediction
) -> tuple[SumOfShares, SumOfShares] | None:
    """What words share in both readings, in equally many decimals; None where they have no shares.

    Args:
        words: The scores of both readings.
        prediction: That of the first reading.
    """
    first, second = words.first.shares, words.second.shares
    if first is None or second is None:
        return None
    places = max(SumOfShares.of(prediction, each).places for each in (first, second))
    return (
        SumOfShares.of(prediction, first, places),
        SumOfShares.of(prediction, second, places),
    )


def change_ends(words: WordComparison, prediction: Prediction) -> tuple[str, str]:
    """What a score that falls most speaks for, and one that rises most.

    Args:
        words: The scores of both readings.
        prediction: That of the first reading, by which classes are named.
    """
    if not find_method(words.method).signed:
        return "less", "more"
    return scale_ends(prediction, words.first)


def difference_title(heads: HeadComparison, layer: int | None, head: int | None) -> str:
    """Which head of the second reading less which of the first; None for a mean of differences.

    Raises:
        SelectionError: where the first model has no such layer or head.
    """
    second, first = place(*heads.counterpart(layer, head)), place(layer, head)
    if layer is None or head is None:
        return f"{first}: second − first"
    return f"{second} of the second − {first} of the first"


def head_summary(heads: HeadComparison) -> str:
    """What a distance is taken over, and what is left out."""
    left_out = heads.n_left_out
    words = "1 word is" if left_out == 1 else f"{left_out} words are"
    rest = f"; {words} in one only and no row, but may be looked at" if left_out else ""
    count = heads.n_queries
    rows = f"{count} aligned {'word' if count == 1 else 'words'}"
    over = f"Mean Jensen-Shannon distance over the rows of {rows}{rest}."
    if heads.matching == "number":
        return over
    searched = (
        ""
        if heads.n_searched in (None, heads.n_queries)
        else (f", searched by {heads.n_searched} rows")
    )
    return (
        f"{over} The models have no heads in common, so each is compared with the nearest of the "
        f"second{searched}."
    )
