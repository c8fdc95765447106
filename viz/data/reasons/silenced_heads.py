"""What a classifier does without the heads that speak most for a wrong class.

Source: viz/data/README.md 2.5.
"""

from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.json_files import Count, Items, Share
from viz.attribution.method import no_progress
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions, predict
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier

MAX_HEADS = 5
"""Heads silenced at most, and no more than a tenth of all."""
MAX_ROWS = 200
"""Rows of a kind that are read again at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencedHeads:
    """What the classifier does without the heads that speak most for the wrong class."""

    heads: Items[tuple[Count, Count]]
    """Layer and head of each, from 0."""
    right_before: Share
    """Share of the rows of the cell that are put into their true class: 0 in a cell of errors."""
    right_after: Share
    gold_accuracy_before: Share
    """Of the rows of the true class that were read again, all or a sample."""
    gold_accuracy_after: Share
    predicted_accuracy_before: Share
    """The same of the class that they were taken for."""
    predicted_accuracy_after: Share
    n_gold: Count
    n_predicted: Count


def silence_heads(
    classifier: Classifier,
    rows: AuditRows,
    predictions: RowPredictions,
    gold: int,
    predicted: int,
    explained: IntArray,
    contributions: FloatArray,
    difference: float,
    *,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> SilencedHeads | Missing:
    """Silence the heads that speak most for a wrong class, and read rows again.

    The heads are the fewest whose contributions add up to the difference of the two classes, which
    by a first-order estimate leaves it at zero; a tenth of all at most.  They are chosen on the
    rows of a cell and tried on other rows of both classes.

    Args:
        classifier: What reads the rows.
        rows: All rows, which have labels.
        predictions: What the classifier says of them.
        gold: The true class of the rows of the cell.
        predicted: The class they are put into.
        explained: Rows of the cell.
        contributions: What passes through each head toward `predicted`, mean over them.  (L, H)
        difference: Mean logit of `predicted` minus that of `gold`.
        seed: Of the rows that are drawn.
        progress: Called with the rows read since the last call.
    """
    if gold == predicted:
        return Missing(
            missing="These rows are put into their true class; heads are silenced where they speak "
            "for a wrong one."
        )
    heads = strongest_heads(contributions, difference)
    if not heads:
        return Missing(missing="No head speaks for the wrong class more than against it.")
    draw = np.random.default_rng([seed, gold, predicted])
    in_cell = predictions.read & (rows.gold == gold) & (predictions.predicted == predicted)
    groups = {
        "cell": explained,
        "gold": np.flatnonzero(predictions.read & (rows.gold == gold) & ~in_cell),
        "predicted": np.flatnonzero(predictions.read & (rows.gold == predicted)),
    }
    for kind, index in (("gold", gold), ("predicted", predicted)):
        if not len(groups[kind]):
            return Missing(
                missing=f"There is no other row of the class {classifier.labels[index]!r} on which "
                "silenced heads could be tried."
            )
    groups = {name: _sample(group, draw) for name, group in groups.items()}
    gates = np.ones_like(contributions)
    gates[tuple(np.transpose(heads))] = 0
    order = np.concatenate(list(groups.values()))
    try:
        outcome = predict(
            classifier,
            [rows.texts[row] for row in order],
            None if rows.pairs is None else [rows.pairs[row] for row in order],
            gates=gates,
            progress=progress,
        )
    except MethodError as error:
        return Missing(missing=str(error))
    after = dict(zip(order.tolist(), outcome.predicted.tolist(), strict=True))

    def share_of(name: str, index: int) -> tuple[float, float]:
        """The share of rows of a group that are put into a class, before and after."""
        group = groups[name]
        return (
            float((predictions.predicted[group] == index).mean()),
            float(np.mean([after[row] == index for row in group.tolist()])),
        )

    right, of_gold = share_of("cell", gold), share_of("gold", gold)
    of_predicted = share_of("predicted", predicted)
    return SilencedHeads(
        heads=heads,
        right_before=right[0],
        right_after=right[1],
        gold_accuracy_before=of_gold[0],
        gold_accuracy_after=of_gold[1],
        predicted_accuracy_before=of_predicted[0],
        predicted_accuracy_after=of_predicted[1],
        n_gold=len(groups["gold"]),
        n_predicted=len(groups["predicted"]),
    )


def strongest_heads(contributions: FloatArray, difference: float) -> tuple[tuple[int, int], ...]:
    """The fewest heads that add up to a difference, the strongest first.  (L, H)

    Not more than MAX_HEADS nor a tenth of all, but at least one; none where no head adds to it.
    """
    n_heads = contributions.shape[1]
    most = min(MAX_HEADS, max(1, contributions.size // 10))
    heads: list[tuple[int, int]] = []
    total = 0.0
    for number in np.argsort(-contributions, axis=None, kind="stable")[:most].tolist():
        value = float(contributions.flat[number])
        if value <= 0 or total >= difference:
            break
        heads.append((number // n_heads, number % n_heads))
        total += value
    return tuple(heads)


def _sample(rows: IntArray, draw: np.random.Generator) -> IntArray:
    if len(rows) <= MAX_ROWS:
        return rows
    return np.sort(draw.choice(rows, MAX_ROWS, replace=False))
