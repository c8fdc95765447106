"""Metrics as text for the terminal."""

from collections.abc import Iterable, Sequence

from finetune.data.tables.messages import listed
from finetune.errors import number_of
from finetune.evaluation.report.abbreviate import (
    MAX_TABLE_CLASSES,
    one_line,
    top_confusions,
    worst_classes,
)
from finetune.evaluation.seed_spread import Spread, spreads
from finetune.evaluation.selection_bias import selection_bias
from finetune.run.measurements import AnyMetrics, CalibrationMetrics, Metrics, RegressionMetrics
from finetune.run.metrics import find_metric
from finetune.run.record import BaselineRecord, CalibrationRecord, RunRecord, SeedRecord


def describe_run(record: RunRecord) -> str:
    """All that a run measured: each split, what it is worth beside the baselines, calibration."""
    parts = [describe(record.validation, title="validation")]
    if record.test is not None:
        parts.append(describe(record.test, title="test"))
    if record.baselines:
        parts += _beside(record)
    if record.calibration is not None:
        parts.append(describe_calibration(record.calibration))
    if record.seeds:
        parts.append(describe_seeds(record.seeds))
    if record.tuning is not None:
        parts.append(selection_bias(record))
    return "\n".join(parts)


def describe_seeds(seeds: Sequence[SeedRecord]) -> str:
    """Mean and interval of each metric over the runs that differ in their seed."""
    lines = [f"{len(seeds)} seeds, mean (95% interval)"]
    for split, found in spreads(seeds).items():
        means = (
            f"{find_metric(name).label} {format_spread(name, each)}" for name, each in found.items()
        )
        lines.append(f"  {split}: {', '.join(means)}")
    return "\n".join(lines)


def format_spread(name: str, spread: Spread) -> str:
    """A mean and its interval, as the metric of that *name* is written."""
    form = find_metric(name).format
    return f"{spread.mean:{form}} ({spread.low:{form}} to {spread.high:{form}})"


def _beside(record: RunRecord) -> list[str]:
    """The run and its baselines on each split."""
    on = {"validation": [(record.base, record.validation)]}
    on["validation"] += [(made.name, made.validation) for made in record.baselines]
    if record.test is not None:
        tests = [(made.name, made.test) for made in record.baselines if made.test is not None]
        on["test"] = [(record.base, record.test), *tests]
    return [comparison(found, title=split) for split, found in on.items()]


def describe(metrics: AnyMetrics, *, title: str) -> str:
    """A heading and the overall numbers; of classes a table and the confusion matrix too."""
    head = f"{title}: {number_of(metrics.rows, 'row')}"
    if isinstance(metrics, RegressionMetrics):
        return "\n".join([head, *_errors(metrics)])
    lines = [
        head,
        f"  accuracy {metrics.accuracy:.2%}  (95% interval {format_interval(metrics)})",
        f"  macro F1 {metrics.macro_f1:.4f}, micro F1 {metrics.micro_f1:.4f}",
        *(f"  {sentence}" for sentence in lacking(metrics)),
        "",
        *_class_table(metrics),
    ]
    return "\n".join([*lines, "", *_confused(metrics)] if metrics.confusion else lines)


def lacking(metrics: AnyMetrics) -> tuple[str, ...]:
    """A sentence where some classes have no row, of which the metrics say nothing then."""
    classes = () if isinstance(metrics, RegressionMetrics) else metrics.classes
    none = [row.label for row in classes if not row.support]
    if not none:
        return ()
    return (
        f"No row of {listed(none)}: macro F1 is the mean over the classes that have rows or are"
        " predicted, and says nothing of the others.",
    )


def comparison(found: Sequence[tuple[str, AnyMetrics]], *, title: str) -> str:
    """A line for each classifier: accuracy with its interval, and macro F1; or what scores have."""
    width = max(len(name) for name, _ in found)
    lines = [f"  {name:<{width}}  {_in_brief(metrics)}" for name, metrics in found]
    scores = isinstance(found[0][1], RegressionMetrics)
    what = "correlation" if scores else "accuracy"
    head = f"{title}: {number_of(found[0][1].rows, 'row')}, {what} (95% interval)"
    return "\n".join([head, *(f"  {sentence}" for sentence in lacking(found[0][1])), *lines])


def describe_baselines(records: Sequence[BaselineRecord]) -> str:
    """What was chosen for each and how long it took, and the comparison on each split."""
    chosen = [f"{made.name}: {made.setting}; {made.seconds:.1f} seconds" for made in records]
    splits = [comparison([(made.name, made.validation) for made in records], title="validation")]
    tests = [(made.name, made.test) for made in records if made.test is not None]
    if tests:
        splits.append(comparison(tests, title="test"))
    return "\n".join([*chosen, *splits])


def format_interval(metrics: Metrics) -> str:
    """The 95% interval of the accuracy in words."""
    low, high = metrics.accuracy_interval
    return f"{low:.2%} to {high:.2%}"


def format_pearson(metrics: RegressionMetrics) -> str:
    """The correlation and its interval, where there is one."""
    if metrics.pearson_interval is None:
        return format_number(metrics.pearson)
    low, high = metrics.pearson_interval
    return f"{format_number(metrics.pearson)} ({low:.4f} to {high:.4f})"


def format_number(number: float | None) -> str:
    """A number without a unit; a dash where it is undefined."""
    return "-" if number is None else f"{number:z.4f}"


def describe_calibration(record: CalibrationRecord) -> str:
    """The temperature and what it changes."""
    if record.reason:
        return (
            f"Calibration: no temperature, as {record.reason}; {format_calibration(record.before)}."
        )
    held_out = "test" if record.measured_on == "test" else "validation, each fifth held out"
    return (
        f"Calibration: temperature {record.temperature:.3f}; on {held_out},"
        f" {format_calibration(record.before)} before, {format_calibration(record.after)} after."
    )


def format_calibration(metrics: CalibrationMetrics) -> str:
    """The three numbers of calibration."""
    return f"ECE {metrics.ece:.2%}, NLL {metrics.nll:.4f}, Brier {metrics.brier:.4f}"


def _in_brief(metrics: AnyMetrics) -> str:
    if isinstance(metrics, RegressionMetrics):
        r2, pearson = format_number(metrics.r2), format_pearson(metrics)
        return f"R2 {r2}  RMSE {metrics.rmse:.4g}  Pearson {pearson}"
    return f"{metrics.accuracy:7.2%}  ({format_interval(metrics)})  macro F1 {metrics.macro_f1:.4f}"


def _errors(metrics: RegressionMetrics) -> list[str]:
    return [
        f"  R2 {format_number(metrics.r2)}, RMSE {metrics.rmse:.4g}, MAE {metrics.mae:.4g}",
        f"  Pearson (95% interval) {format_pearson(metrics)}, Spearman"
        f" {format_number(metrics.spearman)}",
    ]


def _class_table(metrics: Metrics) -> list[str]:
    shown = worst_classes(metrics)
    names = [one_line(row.label) for row in shown]
    width = max(len("class"), *map(len, names))
    head = f"  {'class':<{width}}  precision  recall      F1  support"
    rows = [
        f"  {name:<{width}}  {row.precision:9.4f}  {row.recall:.4f}  {row.f1:.4f}  {row.support:7,}"
        for name, row in zip(names, shown, strict=True)
    ]
    if more := len(metrics.classes) - len(shown):
        rows.append(f"  … and {more:,} more; these have the lowest F1")
    return [head, *rows]


def _confused(metrics: Metrics) -> list[str]:
    """The confusion matrix, or of many classes what is most often taken for what."""
    if len(metrics.classes) > MAX_TABLE_CLASSES:
        found = top_confusions(metrics)
        head = ["  most often confused"] if found else []
        return head + [
            f"  {each.rows:7,} of {one_line(each.true)} taken for {one_line(each.predicted)}"
            for each in found
        ]
    names = [one_line(name) for name in metrics.confusion_labels]
    width = max(len(name) for name in names)
    lines = ["  true class down, predicted across", "  " + " " * width + _cells(names)]
    for name, row in zip(names, metrics.confusion or (), strict=True):
        lines.append(f"  {name:<{width}}{_cells(f'{count:,}' for count in row)}")
    return lines


def _cells(values: Iterable[str]) -> str:
    return "".join(f"  {one_line(value, 12):>12}" for value in values)
