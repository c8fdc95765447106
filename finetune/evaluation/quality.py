"""How good a saved checkpoint is: measured, calibrated, drawn, and compared with plain counting."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finetune.checkpoint.models import Checkpoint
from finetune.data.rows import Rows
from finetune.data.splits import Splits
from finetune.evaluation.baseline import describe_skipped, measure_baselines
from finetune.evaluation.calibration import calibrate, store_temperature
from finetune.evaluation.evaluate import Predictions, measure, predict_rows
from finetune.evaluation.report.best_effort import best_effort
from finetune.evaluation.report.plots import (
    CONFUSION_FILE,
    RELIABILITY_FILE,
    SCATTER_FILE,
    metrics_plot,
    reliability_plot,
)
from finetune.run.measurements import AnyMetrics
from finetune.run.record import BaselineRecord, CalibrationRecord, RunRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """What is measured once a run is over."""

    validation: AnyMetrics
    test: AnyMetrics | None
    calibration: CalibrationRecord | None
    """None for scores, which are no probabilities."""
    baselines: tuple[BaselineRecord, ...]


def assess(
    saved: Checkpoint,
    splits: Splits,
    folder: Path,
    *,
    batch_size: int,
    max_length: int,
    baseline: bool,
    say: Callable[[str], None],
) -> Quality:
    """Measure *saved*, whose files lie in *folder*, and leave its temperature there.

    Args:
        saved: The checkpoint, read back as anybody would.
        splits: Validation fits the temperature; test only measures.
        folder: Its config.json gets the temperature, where one could be fitted.
        batch_size: Texts per step.
        max_length: Tokens kept of each text.
        baseline: Whether to train what needs no network too.
        say: Hears it where that fails.
    """

    def score(rows: Rows) -> Predictions:
        return predict_rows(saved, rows, batch_size=batch_size, max_length=max_length)

    validation = score(splits.validation)
    test = None if splits.test is None else score(splits.test)
    calibration = None if saved.regression else calibrate(validation, test)
    if calibration is not None and not calibration.reason:
        store_temperature(folder, calibration.temperature)
    if baseline and (missing := describe_skipped(splits.labels)):
        say(missing)
    compared = "the comparison with classical methods"
    beside = best_effort(compared, lambda: measure_baselines(splits), say) if baseline else None
    return Quality(
        validation=measure(validation, saved),
        test=None if test is None else measure(test, saved),
        calibration=calibration,
        baselines=beside or (),
    )


def draw_plots(record: RunRecord, folder: Path, say: Callable[[str], None]) -> None:
    """Draw what the record knows as the pictures that the model card shows.

    One that can't be drawn is left out, which *say* hears.
    """
    split = "validation" if record.test is None else "test"
    metrics = record.test or record.validation
    title = f"{record.settings['output']} on {split}"
    what = SCATTER_FILE if record.regression else CONFUSION_FILE
    best_effort(what, lambda: metrics_plot(metrics, folder, title=title), say)
    if record.calibration is not None:
        calibration = record.calibration
        curves = [("as trained", calibration.before)]
        if not calibration.reason:
            curves.append((f"at temperature {calibration.temperature:.2f}", calibration.after))
        path = folder / RELIABILITY_FILE
        best_effort(RELIABILITY_FILE, lambda: reliability_plot(curves, path, title=title), say)
