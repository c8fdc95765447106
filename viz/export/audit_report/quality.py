"""How good a classifier is on a file: measures, calibration, and which classes are confused."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from finetune.evaluation.report import plots
from finetune.run.measurements import CalibrationMetrics, Metrics, RegressionMetrics
from viz.attribution.descriptions import number
from viz.data.audit import sentences
from viz.data.audit.record import AuditRecord
from viz.data.missing import Missing
from viz.export.audit_report.document import Bar, Block, Column, Picture, Section, Table, Text

MAX_CLASSES, MAX_CELLS = 50, 15
PRINT_DPI, MAX_DOTS = 220, 3_900
"""Dots of an inch of a picture, and along its longer side at most."""
MEASURES_GUIDE = (
    f"{sentences.ACCURACY_INTERVAL} It takes rows for independent: near copies make it too narrow, "
    "and rows of another source or month may lie outside. Measures compare with the labels of the "
    "file; where these are wrong, the classifier is blamed."
)
SCORES_GUIDE = (
    "Errors are in the unit of the scores. The interval of the correlation takes rows for "
    "independent: near copies make it too narrow, and other sources may lie outside. Measures "
    "compare with the scores of the file; where these are wrong, the classifier is blamed."
)
CALIBRATION_GUIDE = (
    f"{sentences.CALIBRATION} Below the dashed line decisions are surer than they are right. Bins "
    "with few rows lie off the line by chance; a calibrated mean proves nothing about a class or a "
    "slice."
)
CONFUSION_GUIDE = (
    "A row of the matrix is a true class, a column the class that was predicted; the diagonal is "
    "right. The matrix shows what is confused, not why: reasons of the cells follow."
)


def measures(record: AuditRecord) -> Section:
    """The measures with their intervals, and those of each class."""
    return Section("Measures", tuple(_measures(record)))


def calibration(record: AuditRecord) -> Section:
    """The calibration curve."""
    return Section("Calibration", tuple(_calibration(record)))


def confusion(record: AuditRecord) -> Section:
    """The confusion matrix; of scores, the predicted ones over the true ones."""
    title = "Scores" if isinstance(record.measures, RegressionMetrics) else "Confused classes"
    return Section(title, tuple(_confusion(record)))


def _measures(record: AuditRecord) -> Iterator[Block]:
    result = record.measures
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    columns = Column("Measure"), Column("Value", "number"), Column("95% interval", "number")
    if isinstance(result, RegressionMetrics):
        yield Text(SCORES_GUIDE, "guide")
        yield Table(columns, tuple(_scores(result)))
        return
    low, high = result.accuracy_interval
    yield Text(MEASURES_GUIDE, "guide")
    yield Table(
        columns,
        (
            ("Accuracy", f"{result.accuracy:.2%}", f"{low:.2%} to {high:.2%}"),
            ("Macro F1", f"{result.macro_f1:.4f}", ""),
            ("Micro F1", f"{result.micro_f1:.4f}", ""),
            ("Rows", f"{result.rows:,}", ""),
        ),
    )
    classes = result.classes
    if len(classes) > MAX_CLASSES:
        classes = tuple(sorted(classes, key=lambda each: (each.f1, each.label))[:MAX_CLASSES])
        some = f"The {MAX_CLASSES} of {len(result.classes):,} classes with the lowest F1."
        yield Text(some, "note")
    names = ("Precision", "Recall", "F1", "Rows")
    yield Table(
        (Column("Class"), *(Column(name, "number") for name in names)),
        tuple(
            (
                each.label,
                *(f"{value:.3f}" for value in (each.precision, each.recall, each.f1)),
                f"{each.support:,}",
            )
            for each in classes
        ),
    )


def _scores(result: RegressionMetrics) -> Iterator[tuple[str, str, str]]:
    ends = result.pearson_interval
    between = "" if ends is None else f"{number(ends[0], 3)} to {number(ends[1], 3)}"
    yield "Rows", f"{result.rows:,}", ""
    yield "Mean absolute error", f"{result.mae:.4g}", ""
    yield "Root mean squared error", f"{result.rmse:.4g}", ""
    for name, value, interval in (
        ("Pearson correlation", result.pearson, between),
        ("Spearman correlation", result.spearman, ""),
        ("R²", result.r2, ""),
    ):
        if value is not None:
            yield name, number(value, 3), interval


def _calibration(record: AuditRecord) -> Iterator[Block]:
    result = record.calibration
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    yield Text(CALIBRATION_GUIDE, "guide")
    yield Text(
        f"Expected calibration error {result.ece:.2%}, mean negative log-likelihood "
        f"{result.nll:.4f}, Brier score {result.brier:.4f}."
    )
    figure = plots.reliability_figure([(record.checkpoint, result)], title=_title(record))
    yield _picture(figure, "How often decisions of each confidence are right.")
    columns = ("Confidence", "Mean confidence", "Share that is right", "Rows")
    yield Table(
        tuple(Column(name, "number") for name in columns),
        tuple(_bins(result)),
    )


def _bins(result: CalibrationMetrics) -> Iterator[tuple[str, ...]]:
    """The bins that hold rows."""
    size = len(result.curve)
    for place, each in enumerate(result.curve):
        if each.count:
            ends = f"{place / size:.1%} to {(place + 1) / size:.1%}"
            yield ends, f"{each.confidence:.1%}", f"{each.accuracy:.1%}", f"{each.count:,}"


def _confusion(record: AuditRecord) -> Iterator[Block]:
    result = record.measures
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
    elif isinstance(result, RegressionMetrics):
        figure = plots.scatter_figure(result, title=_title(record))
        yield _picture(figure, "The predicted score of each row over its true score.")
    elif result.confusion is None:
        yield Text("A row may have several classes, so there is no matrix of classes.", "missing")
    else:
        yield Text(CONFUSION_GUIDE, "guide")
        figure = plots.confusion_figure(result, title=_title(record))
        yield _picture(figure, "How many rows of each true class were put into each class.")
        cells = _largest_cells(result)
        if cells:
            yield Text("Most confused", "heading")
            yield _cells(cells)


def _picture(figure: Figure, alternative: str) -> Picture:
    """In dots for print; a large one has as many as fit into memory and file."""
    dpi = min(PRINT_DPI, MAX_DOTS / max(figure.get_size_inches()))
    return Picture(plots.png(figure, dpi), dpi, alternative)


def _largest_cells(result: Metrics) -> list[tuple[int, float, str, str]]:
    """Rows, share of the true class, true and predicted class of the largest cells of errors."""
    support = {each.label: each.support for each in result.classes}
    labels = result.confusion_labels
    cells = [
        (count, count / support[labels[gold]], labels[gold], labels[predicted])
        for gold, row in enumerate(result.confusion or ())
        for predicted, count in enumerate(row)
        if gold != predicted and count
    ]
    return sorted(cells, key=lambda cell: (-cell[0], -cell[1]))[:MAX_CELLS]


def _cells(cells: list[tuple[int, float, str, str]]) -> Table:
    columns = Column("True class"), Column("Predicted"), Column("Rows", "bar")
    return Table(
        (*columns, Column("of the true class", "number")),
        tuple(
            (gold, predicted, Bar(count, f"{count:,}"), f"{share:.1%}")
            for count, share, gold, predicted in cells
        ),
    )


def _title(record: AuditRecord) -> str:
    return f"{record.checkpoint} on {record.data}"
