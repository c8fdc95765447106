"""Metrics as text for the terminal."""

from collections.abc import Iterable

from finetune.record import Metrics


def describe(metrics: Metrics, *, title: str) -> str:
    """A heading, the overall numbers, a table of the classes and the confusion matrix."""
    low, high = metrics.accuracy_interval
    lines = [
        f"{title}: {metrics.rows:,} rows",
        f"  accuracy {metrics.accuracy:.2%}  (95 % interval {low:.2%} to {high:.2%})",
        f"  macro F1 {metrics.macro_f1:.4f}, micro F1 {metrics.micro_f1:.4f}",
        "",
        *_class_table(metrics),
    ]
    return "\n".join([*lines, "", *_confusion_table(metrics)] if metrics.confusion else lines)


def _class_table(metrics: Metrics) -> list[str]:
    width = max(len("class"), *(len(row.label) for row in metrics.classes))
    head = f"  {'class':<{width}}  precision  recall      F1  support"
    return [head] + [
        f"  {row.label:<{width}}  {row.precision:9.4f}  {row.recall:.4f}  {row.f1:.4f}"
        f"  {row.support:7,}"
        for row in metrics.classes
    ]


def _confusion_table(metrics: Metrics) -> list[str]:
    names = [row.label for row in metrics.classes]
    width = max(len(name) for name in names)
    lines = ["  true class down, predicted across", "  " + " " * width + _cells(names)]
    for name, row in zip(names, metrics.confusion or (), strict=True):
        lines.append(f"  {name:<{width}}{_cells(f'{count:,}' for count in row)}")
    return lines


def _cells(values: Iterable[str]) -> str:
    return "".join(f"  {value[:12]:>12}" for value in values)
