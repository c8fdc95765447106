"""What a twin says of the orders of all texts, as the record holds it."""

import math
from collections.abc import Sequence

import numpy as np

from finetune.data.class_matching import match_classes
from finetune.data.rows import Rows
from finetune.errors import quoted
from finetune.evaluation.metrics import wilson_interval
from viz.attention.rank_correlation import spearman
from viz.faithfulness.agreement import kendall
from viz.faithfulness.interval import Interval
from viz.faithfulness.judge import Judge
from viz.faithfulness.judge_scores import JudgeAccuracy, JudgeScores, RankAgreement
from viz.faithfulness.measured_texts import MeasuredTexts, rounded
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.record import RANDOM_METHOD, FaithfulnessRecord
from viz.model.classifier import Classifier
from viz.model.text_files import Texts

MIN_RANKED = 3
"""Methods; the order of fewer says nothing."""
UNMEASURED = "Accuracy is not measured, since "


def judge_scores(
    judge: Judge, texts: Texts, record: FaithfulnessRecord, results: Sequence[RowResult]
) -> JudgeScores | None:
    """What the twin says of all rows that it judged; None where there is none.

    Args:
        judge: The twin beside the original.
        texts: The file.
        record: What the original says of the same orders.
        results: Of its rows.
    """
    judged = [result for result in results if result.get("judge") is not None]
    if not judged:
        return None
    methods, seed = [one.method for one in record.methods], record.seed
    original = MeasuredTexts(judge.original, judged, methods)
    twin = MeasuredTexts(judge.twin, [_as_measured(each) for each in judged], methods)
    scores = [twin.scores(method, seed) for method in methods]
    explaining = [one.method for one in scores if one.name != RANDOM_METHOD]
    golds = {row.number: (row.gold_label or "").strip() for row in texts.rows}
    classes = [result["judge"]["classes"] for result in judged]
    accuracy: JudgeAccuracy | str | None = None
    if any(golds.values()) and not (judge.original.regression or judge.original.multi_label):
        own, column = [golds[each["row"]] for each in judged], quoted(texts.columns.label)
        accuracy = _accuracy(judge.original, own, classes, column)
    return JudgeScores(
        checkpoint=judge.twin.name,
        fingerprint=judge.twin.fingerprint,
        masking=judge.masking,
        n_texts=len(judged),
        n_agree=None if judge.twin.regression else sum(one == other for one, other in classes),
        methods={
            one.method: twin.compared_with(record.default, one, seed).under
            for one in scores
            if one.under
        },
        random=twin.mean_random,
        best=twin.mean_best,
        worst=twin.mean_worst,
        accuracy=accuracy if isinstance(accuracy, JudgeAccuracy) else None,
        no_accuracy=accuracy if isinstance(accuracy, str) else None,
        ranking=_ranking(original, twin, explaining, record.ranking_operators),
    )


def _as_measured(result: RowResult) -> RowResult:
    """A row as if the twin had been scored."""
    judged = result["judge"]
    methods = {
        method: one
        if "refused" in one
        else {
            **one,
            "measures": judged["methods"][method],
            "tau_occlusion": None,
            "polarity": None,
        }
        for method, one in result["methods"].items()
    }
    return {"methods": methods, **{name: judged[name] for name in ("random", "best", "worst")}}


def _ranking(
    original: MeasuredTexts, twin: MeasuredTexts, methods: Sequence[str], operators: Sequence[str]
) -> RankAgreement | None:
    pairs = [
        (original.mean_share(method, operators), twin.mean_share(method, operators))
        for method in methods
    ]
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    if len(known) < MIN_RANKED:
        return None
    shares = np.array(known).T
    correlations = [spearman(*shares), kendall(*shares)]
    if any(map(math.isnan, correlations)):
        return None
    return RankAgreement(len(known), *map(rounded, correlations))


def _accuracy(
    classifier: Classifier, golds: Sequence[str], classes: Sequence[Sequence[int]], column: str
) -> JudgeAccuracy | str:
    """How often either is right, or why nobody can say: one sentence, which names the column."""
    names = tuple(dict.fromkeys(filter(None, golds)))
    if not names:
        return f"{UNMEASURED}no text that was judged has a label in column {column}."
    labels = tuple((name,) for name in names)
    written = Rows(
        texts=names, pairs=None, labels=labels, names=names, keys=names, multi_label=False
    )
    match = match_classes(written, classifier.labels)
    if match.unknown and not match.counts_from_one:
        return f"{UNMEASURED}not all labels in column {column} are classes of the checkpoint."
    if match.may_count_from_one:
        return (
            f"{UNMEASURED}labels in column {column} are numbers, and no text that was judged has "
            "0: if they are counted from 1, every class is one off; subtract 1 from each, or write "
            "the names."
        )
    known = [(match.labels[gold], both) for gold, both in zip(golds, classes, strict=True) if gold]

    def share(who: int) -> Interval:
        right = sum(classifier.labels[both[who]] == gold for gold, both in known)
        low, high = wilson_interval(right, len(known))
        return Interval(rounded(right / len(known)), rounded(low), rounded(high))

    return JudgeAccuracy(len(known), original=share(0), judge=share(1))
