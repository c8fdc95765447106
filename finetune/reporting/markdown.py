"""Metrics as the Markdown of a model card: sentences and tables."""

from collections.abc import Iterable, Sequence

from finetune.record import AnyMetrics, Metrics, RegressionMetrics
from finetune.reporting.report import interval, pearson, plain


def paragraphs(metrics: AnyMetrics) -> list[str]:
    """All that was measured, a sentence and then tables."""
    if isinstance(metrics, RegressionMetrics):
        return [_scores(metrics)]
    return _classes(metrics)


def cell(metrics: AnyMetrics) -> str:
    """The numbers that matter most, with the interval that was measured."""
    if isinstance(metrics, RegressionMetrics):
        return f"{plain(metrics.r2)}, {metrics.rmse:.4g}, {pearson(metrics)}"
    return f"{metrics.accuracy:.2%} ({interval(metrics)}), {metrics.macro_f1:.4f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers and stand right."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join("| " + " | ".join(map(_escaped, line)) + " |" for line in lines)


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _scores(metrics: RegressionMetrics) -> str:
    return (
        f"{metrics.rows:,} rows: R2 **{plain(metrics.r2)}**, root mean squared error"
        f" **{metrics.rmse:.4g}**, mean absolute error {metrics.mae:.4g}. Correlation with the true"
        f" scores (95 % interval): Pearson {pearson(metrics)}; Spearman {plain(metrics.spearman)}."
    )


def _classes(metrics: Metrics) -> list[str]:
    right = "rows with every class right" if metrics.confusion is None else "accuracy"
    classes = [
        [row.label, *(f"{v:.4f}" for v in (row.precision, row.recall, row.f1)), f"{row.support:,}"]
        for row in metrics.classes
    ]
    parts = [
        f"{metrics.rows:,} rows: {right} **{metrics.accuracy:.2%}** (95 % interval"
        f" {interval(metrics)}), macro F1 **{metrics.macro_f1:.4f}**.",
        table(["class", "precision", "recall", "F1", "rows"], classes),
    ]
    return parts + _confusion(metrics)


def _confusion(metrics: Metrics) -> list[str]:
    if metrics.confusion is None:
        return []
    labels = [row.label for row in metrics.classes]
    rows = [
        [label, *(f"{count:,}" for count in counts)]
        for label, counts in zip(labels, metrics.confusion, strict=True)
    ]
    return ["Confusion matrix:", table(["true \\ predicted", *labels], rows)]
