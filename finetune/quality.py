"""How good a saved checkpoint is: measured, calibrated, drawn, and held against plain counting."""

from dataclasses import dataclass
from pathlib import Path

from finetune.baseline import baselines
from finetune.data import Splits
from finetune.dataset.rows import Rows
from finetune.evaluate import Scores, measure, score_rows
from finetune.measuring.calibration import calibrate, store_temperature
from finetune.models import Checkpoint
from finetune.record import AnyMetrics, BaselineRecord, CalibrationRecord, RunRecord
from finetune.reporting.plots import RELIABILITY, metrics_plot, reliability_plot


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
) -> Quality:
    """Measure *saved*, whose files lie in *folder*, and leave its temperature there.

    Args:
        saved: The checkpoint, read back as anybody would.
        splits: Validation fits the temperature; test only measures.
        folder: Its config.json gets the temperature, where one could be fitted.
        batch_size: Texts per step.
        max_length: Tokens kept of each text.
        baseline: Whether to train what needs no network too.
    """

    def score(rows: Rows) -> Scores:
        return score_rows(saved, rows, batch_size=batch_size, max_length=max_length)

    validation = score(splits.validation)
    test = None if splits.test is None else score(splits.test)
    calibration = None if saved.regression else calibrate(validation, test)
    if calibration is not None and not calibration.reason:
        store_temperature(folder, calibration.temperature)
    return Quality(
        validation=measure(validation, saved),
        test=None if test is None else measure(test, saved),
        calibration=calibration,
        baselines=baselines(splits) if baseline else (),
    )


def draw(record: RunRecord, folder: Path) -> None:
    """Draw what the record knows as the pictures that the model card shows."""
    split = "validation" if record.test is None else "test"
    metrics = record.test or record.validation
    title = f"{record.settings['output']} on {split}"
    metrics_plot(metrics, folder, title=title)
    if record.calibration is not None:
        made = record.calibration
        curves = [("as trained", made.before)]
        if not made.reason:
            curves.append((f"at temperature {made.temperature:.2f}", made.after))
        reliability_plot(curves, folder / RELIABILITY, title=title)
