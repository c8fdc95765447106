"""Metrics as the Markdown of a model card: sentences and tables.

Whatever was written by somebody else goes through `escaped` or `code`: names of classes, of files
and of models may hold anything.
"""

import re
from collections.abc import Iterable, Sequence

from finetune.data.tables.safe_text import printable, without_links, without_list
from finetune.errors import number_of
from finetune.evaluation.report.abbreviate import MAX_TABLE_CLASSES, top_confusions, worst_classes
from finetune.evaluation.report.terminal import format_interval, format_number, format_pearson
from finetune.run.measurements import AnyMetrics, Metrics, RegressionMetrics

ESCAPES = {
    "\\": "&#92;",  # with a parenthesis behind it, the Hub would see a formula
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{letter: f"\\{letter}" for letter in "`*_[]|~$#="},
}
BACKTICKS = re.compile("`+")


def escaped(text: str) -> str:
    """*text* as Markdown shows it letter by letter, on one line; nothing of it is acted on."""
    line = printable(" ".join(text.split()))
    return without_list(without_links("".join(ESCAPES.get(letter, letter) for letter in line)))


def code(text: str, language: str) -> str:
    """*text* as a block of code, whose fence is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in BACKTICKS.findall(text)), 0)
    return f"{fence}{language}\n{text}\n{fence}"


def paragraphs(metrics: AnyMetrics) -> list[str]:
    """All that was measured, a sentence and then tables."""
    if isinstance(metrics, RegressionMetrics):
        return [_scores(metrics)]
    return _classes(metrics)


def cell(metrics: AnyMetrics) -> str:
    """The numbers that matter most, with the interval that was measured."""
    if isinstance(metrics, RegressionMetrics):
        return f"{format_number(metrics.r2)}, {metrics.rmse:.4g}, {format_pearson(metrics)}"
    return f"{metrics.accuracy:.2%} ({format_interval(metrics)}), {metrics.macro_f1:.4f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown; all columns but the first are numbers, on the right."""
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _scores(metrics: RegressionMetrics) -> str:
    return (
        f"{number_of(metrics.rows, 'row')}: R2 **{format_number(metrics.r2)}**, root mean"
        f" squared error **{metrics.rmse:.4g}**, mean absolute error {metrics.mae:.4g}. Correlation"
        f" with the true scores (95% interval): Pearson {format_pearson(metrics)}; Spearman"
        f" {format_number(metrics.spearman)}."
    )


def _classes(metrics: Metrics) -> list[str]:
    right = "rows with every class right" if metrics.confusion is None else "accuracy"
    shown = worst_classes(metrics)
    classes = [
        [
            escaped(row.label),
            *(f"{v:.4f}" for v in (row.precision, row.recall, row.f1)),
            f"{row.support:,}",
        ]
        for row in shown
    ]
    parts = [
        f"{number_of(metrics.rows, 'row')}: {right} **{metrics.accuracy:.2%}** (95% interval"
        f" {format_interval(metrics)}), macro F1 **{metrics.macro_f1:.4f}**.",
        *_lowest(len(shown), len(metrics.classes)),
        table(["class", "precision", "recall", "F1", "rows"], classes),
    ]
    return parts + _confusion(metrics)


def _lowest(shown: int, classes: int) -> list[str]:
    if shown == classes:
        return []
    return [
        f"The {shown} classes with the lowest F1; `run.json` has the {classes - shown:,} others:"
    ]


def _confusion(metrics: Metrics) -> list[str]:
    if metrics.confusion is None:
        return []
    if len(metrics.classes) > MAX_TABLE_CLASSES:
        found = top_confusions(metrics)
        rows = [[escaped(true), escaped(called), f"{count:,}"] for true, called, count in found]
        return ["Most often confused:", table(["true", "predicted", "rows"], rows)] if found else []
    labels = [escaped(label) for label in metrics.confusion_labels]
    rows = [
        [label, *(f"{count:,}" for count in counts)]
        for label, counts in zip(labels, metrics.confusion, strict=True)
    ]
    return ["Confusion matrix:", table(["true \\ predicted", *labels], rows)]
