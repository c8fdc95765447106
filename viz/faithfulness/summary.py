"""The results of all texts as one record: means, differences and their intervals."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from finetune.errors import number_of
from viz.attribution import METHODS
from viz.attribution.method_spec import MethodSpec
from viz.errors import SelectionError
from viz.faithfulness.bootstrap import RESAMPLES
from viz.faithfulness.degraded import MetricTest, degraded_method, metric_test
from viz.faithfulness.judge import Judge
from viz.faithfulness.judge_summary import judge_scores
from viz.faithfulness.measured_texts import MeasuredTexts
from viz.faithfulness.metrics import MIN_WORDS, TESTED, metrics_of
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.planted import planted_scores
from viz.faithfulness.record import (
    FaithfulnessRecord,
    ScoredDocuments,
    SearchedLimits,
)
from viz.faithfulness.score_row import NOT_FINITE, TOO_LONG, TOO_SHORT, UNREADABLE, ScoreConfig
from viz.model.classifier import Classifier
from viz.model.perturbation import operators_of
from viz.model.row_windows import settings_of_rows
from viz.model.text_files import Texts


def summarize(
    classifier: Classifier,
    texts: Texts,
    config: ScoreConfig,
    results: Sequence[RowResult],
    judge: Judge | None = None,
) -> FaithfulnessRecord:
    """The record of all rows, in the order of their numbers.

    Args:
        classifier: What was measured.
        texts: The file.
        config: What was measured of it.
        results: Of its rows.
        judge: The twin that measured the orders too; None where there was none.

    Raises:
        SelectionError: where not one of the texts could be measured.
    """
    skipped = Counter(result["skipped"] for result in results if "skipped" in result)
    measured = [result for result in results if "skipped" not in result]
    if not measured:
        raise SelectionError(
            f"Of {number_of(len(results), 'text')} of {texts.name!r} none can be measured "
            f"({', '.join(f'{count:,} {reason}' for reason, count in skipped.items())}); give "
            f"others, of at least {MIN_WORDS} words."
        )
    numbers = MeasuredTexts(classifier, measured, config.methods)
    record = FaithfulnessRecord(
        checkpoint=classifier.name,
        fingerprint=classifier.fingerprint,
        data=texts.name,
        data_fingerprint=texts.fingerprint,
        columns=asdict(texts.columns),
        n_texts=len(measured),
        skipped={reason: skipped[reason] for reason in (TOO_SHORT, UNREADABLE)}
        | {reason: skipped[reason] for reason in (TOO_LONG, NOT_FINITE) if skipped[reason]},
        seed=config.seed,
        n_random=config.n_random,
        resamples=RESAMPLES,
        default=next(iter(METHODS)),
        methods=tuple(numbers.scores(method, config.seed) for method in config.methods),
        random=numbers.mean_random,
        best=numbers.mean_best,
        seconds={
            method: statistics.median(known["seconds"] for known in numbers.known[method])
            for method in config.methods
            if numbers.known[method]
        },
        documents=_documents(classifier, texts, measured),
        worst=numbers.mean_worst,
        searched=_searched(config, measured),
        metric_test=_metric_test(classifier, config, measured, numbers.decimals),
        planted=planted_scores(
            config.planted,
            classifier.labels,
            [result["planted"] for result in measured if result.get("planted")],
            config.seed,
        ),
    )
    # The app begins with the best quick method, so that is what the others are compared with.
    default = record.best_method() or record.default
    methods = tuple(numbers.compared_with(default, one, config.seed) for one in record.methods)
    record = replace(record, default=default, methods=methods)
    if judge is None:
        return record
    return replace(record, judge=judge_scores(judge, texts, record, results))


def _documents(
    classifier: Classifier, texts: Texts, measured: Sequence[RowResult]
) -> ScoredDocuments | None:
    """Those of the texts that were measured that were read in windows."""
    settings = settings_of_rows(classifier, pairs=texts.columns.pair is not None)
    if settings is None:
        return None
    documents = [result for result in measured if result.get("windows", 1) > 1]
    n_by_sentence = sum(result["by_sentence"] for result in documents)
    return ScoredDocuments(len(documents), n_by_sentence, settings)


def _searched(config: ScoreConfig, measured: Sequence[RowResult]) -> SearchedLimits | None:
    if config.limits is None:
        return None
    n_texts = sum(result["searched"] for result in measured)
    return SearchedLimits(config.limits.n_versions, n_texts) if n_texts else None


def _metric_test(
    classifier: Classifier, config: ScoreConfig, measured: Sequence[RowResult], decimals: int
) -> MetricTest | None:
    """How metrics rank degraded explanations; None where none was degraded."""
    method = degraded_method(config.methods)
    degraded = [result["degraded"] for result in measured if result.get("degraded")]
    if method is None or not degraded:
        return None
    values = {
        operator: np.array([each[operator] for each in degraded], dtype=np.float64)
        for operator in operators_of(classifier)
    }
    label = MethodSpec.parse(method).method.label_of(classifier)
    return metric_test(method, label, values, metrics_of(classifier, TESTED), decimals)
