"""Parts of an audit in sentences: on the page and in the report alike."""

from viz.attention.rollout import place
from viz.attribution.descriptions import amount, number, percent, true_minus
from viz.data.counterfactuals.counterfactuals import Counterfactual
from viz.data.labels.label_errors import LabelError, LabelErrors
from viz.data.reasons.cell_reasons import CellReasons, RowMean
from viz.data.reasons.silenced_heads import SilencedHeads
from viz.data.shift.shift import Shift
from viz.data.shortcuts.shortcuts import Shortcuts
from viz.data.slices.slices import Slice, Slices
from viz.faithfulness.interval import Interval

ACCURACY_INTERVAL = "95% interval: where the accuracy on other such rows would lie."
MACRO_F1 = "The mean of the F1 of all classes, each as much as the other."
CALIBRATION = (
    "Expected calibration error: how far the probability of the predicted class is from the share "
    "that is right, on average."
)
SLICES = (
    "Parts of the file whose rows are wrong more often than chance explains (Fisher's exact test, "
    "corrected for all parts that were looked at), the worst first."
)
NO_SLICES = "No part of the file is worse than the rest by more than chance explains."
SHORTCUTS = (
    "A word is flagged where three things agree: it adds much to a class over many rows, the "
    "class loses probability when the word is removed from rows that have it, and gains when it "
    "is put into rows that don't; and where it adds alike to any text, which no similar word does. "
    "Intervals are 95%."
)
REASONS = (
    "Each word adds to the logit of the predicted class minus that of the other one: blue speaks "
    "for the predicted class, orange for the other one. The bar is the word's sum over all rows of "
    "the cell divided by their number, so that words, special tokens and bias add up to the "
    "difference exactly."
)
CONTRIBUTION = (
    "What the word adds to the logit of the class over the mean of the others, in a row that has "
    "it, by the decomposition; other words, special tokens and a bias hold the rest."
)
HEADS = "What passes through the attention of a head, with its 95% interval over the rows."
COUNTERFACTUALS = (
    "The fewest words whose hiding, deletion or replacement changes the class. Each was verified "
    "by reading the text again."
)
NOT_SMALLEST = "A smaller set of such edits may do it too; not all were tried."
NO_COUNTERFACTUALS = "No set of edits was found that changes the class."
DOMAIN = (
    "A linear classifier over the states that the class is read from learns to tell the rows of "
    "the two files apart. The area under its ROC curve on rows that it did not see is 0.5 where "
    "there is no difference, and 1 where it always knows."
)
SHIFT_WORDS = (
    "What each word adds to the score by which the classifier of files tells this file from the "
    "other one, per row."
)
_ESTIMATED = {
    "held-out": "by the classifier, which did not see these rows in training",
    "state-folds": "by folds of a linear head over its states, since it saw these rows in training",
    "training-folds": "by folds of real trainings",
}
_PARTS = {"length": "length in tokens", "word": "has the word"}
_EDITS = {"mask": "Hide", "delete": "Delete", "replace": "Replace"}


def label_errors(errors: LabelErrors) -> str:
    """How many labels are likely wrong, and how that was estimated."""
    likely = f"{errors.n_likely:,} label{'s are' if errors.n_likely != 1 else ' is'} likely wrong"
    return (
        f"Of {errors.n_rows:,} rows, {likely} (confident learning; probabilities out of sample "
        f"{_ESTIMATED[errors.estimated_by]})."
    )


def label_words(error: LabelError) -> str:
    """What the words of a row say of its label, and what they leave out."""
    return (
        f"What each word adds to the logit of {error.suggested} minus that of {error.label}, by "
        "the decomposition; special tokens and a bias hold the rest of it."
    )


def slices(result: Slices) -> str:
    """How many parts were looked at, and what those that are listed are."""
    meaning = SLICES if result.items else NO_SLICES
    return f"{result.n_tested:,} parts were looked at. {meaning}"


def slice_kind(each: Slice) -> str:
    """What a slice has in common: a column, the length, or a word."""
    return _PARTS.get(each.by, each.column)


def shortcuts(result: Shortcuts) -> str:
    """How many words were tested and flagged, and what that means."""
    flagged = sum(each.flagged for each in result.items)
    return (
        f"{flagged:,} of {result.n_words:,} words are flagged, by {result.n_explained:,} rows. "
        f"{SHORTCUTS}"
    )


def difference(reasons: CellReasons) -> str:
    """How many rows a cell has, and what their mean difference of logits is made of."""
    words = reasons.difference - reasons.special - reasons.bias
    rows = f"{reasons.n_rows:,} row{'s' * (reasons.n_rows != 1)}"
    if reasons.n_explained < reasons.n_rows:
        rows += f", {reasons.n_explained:,} of them explained"
    if reasons.against is not None:
        rows += f", compared with {reasons.against}"
    return (
        f"{rows}. Mean difference of logits {number(reasons.difference)}: words "
        f"{number(words)}, special tokens {number(reasons.special)}, bias "
        f"{number(reasons.bias)}."
    )


def silencing(reasons: CellReasons, silenced: SilencedHeads) -> str:
    """What the classifier does without the heads that speak most for the mistake."""
    heads = ", ".join(place(layer, head) for layer, head in silenced.heads)
    return (
        f"Without {heads}, {percent(silenced.right_after)} of these rows are put into "
        f"{reasons.gold}. Accuracy on other rows of {reasons.gold} ({silenced.n_gold:,}): "
        f"{percent(silenced.gold_accuracy_before)} before, "
        f"{percent(silenced.gold_accuracy_after)} after; on rows of {reasons.predicted} "
        f"({silenced.n_predicted:,}): {percent(silenced.predicted_accuracy_before)} before, "
        f"{percent(silenced.predicted_accuracy_after)} after."
    )


def edits(each: Counterfactual) -> str:
    """What is done to the words, in one line."""
    words = [
        f"“{edit.written}”"
        if edit.replacement is None
        else f"“{edit.written}” by “{edit.replacement}”"
        for edit in each.edits
    ]
    return f"{_EDITS[each.kind]} {', '.join(words)}"


def shift(result: Shift) -> str:
    """Whether there is an alarm, and how often there is one for nothing."""
    where = f"{result.reference} ({result.n_reference:,} rows)"
    rate = f"{result.error_rate:.0%} of such comparisons alarm where nothing shifted"
    chance = f"(p = {result.p_value:.2g}; {rate})"
    if result.alarm:
        return f"Something shifted since {where} {chance}."
    return (
        f"No alarm: compared with {where}, nothing shifted by more than chance explains {chance}."
    )


def confidence(result: Shift) -> tuple[str, str, str]:
    """How much surer the classifier is, or how much higher its scores: name, change, ends."""
    ends = result.confidence.mean, result.confidence.low, result.confidence.high
    if result.regression:
        mean, low, high = (amount(value, signed=True) for value in ends)
        return "Change of the mean score", mean, f"{low} to {high}"
    mean, low, high = (number(100 * value, 1) for value in ends)
    return "Mean confidence", f"{mean} points", f"{low} to {high}"


def logits(mean: Interval | RowMean) -> str:
    """A mean in logits with its interval, where it has one."""
    ends = between(mean)
    return f"{number(mean.mean)} ({ends})" if ends else number(mean.mean)


def between(mean: Interval | RowMean) -> str:
    """The interval of a mean in logits; empty where it has none."""
    if mean.low is None or mean.high is None:
        return ""
    return f"{number(mean.low)} to {number(mean.high)}"


def percentages(interval: Interval) -> str:
    """A mean share, or difference of shares, with its interval, in percent."""
    ends = interval.mean, interval.low, interval.high
    mean, low, high = (round(100 * value, 1) + 0.0 for value in ends)  # no minus before a zero
    return true_minus(f"{mean:.1f}% ({low:.1f} to {high:.1f})")
