"""The section of a model card on how far its probabilities can be taken at their word."""

from collections.abc import Collection

from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.evaluation.report.limitations import several
from finetune.evaluation.report.markdown import table
from finetune.evaluation.report.plots import RELIABILITY_FILE
from finetune.run.record import CalibrationRecord, RunRecord


def calibration_section(record: RunRecord, pictures: Collection[str]) -> str:
    """The section as Markdown; empty where there are scores, which have no probabilities."""
    calibration = record.calibration
    if calibration is None:
        return ""
    alt = f"Reliability on {calibration.measured_on}: share that is right by confidence"
    curve = f"![{alt}]({RELIABILITY_FILE})"
    rows = [
        [name, f"{metrics.ece:.2%}", f"{metrics.nll:.4f}", f"{metrics.brier:.4f}"]
        for name, metrics in (
            ("as trained", calibration.before),
            ("at the temperature", calibration.after),
        )
    ]
    unit = "every decision for or against a class" if several(record) else "every row"
    return "\n\n".join(
        [
            "## Calibration",
            _temperature(calibration),
            table(
                ["probabilities", "expected calibration error", "log-likelihood lost", "Brier"],
                rows[:1] if calibration.reason else rows,
            ),
            f"Measured on {_held_out(calibration)}; {unit} counts, in"
            f" {len(calibration.after.curve)} bins of equal width.",
            *([curve] if RELIABILITY_FILE in pictures else []),
        ]
    )


def _temperature(calibration: CalibrationRecord) -> str:
    if calibration.reason:
        return f"No temperature was fitted: {calibration.reason}."
    return (
        f"Dividing the logits by **{calibration.temperature:.3f}** makes their softmax or sigmoid"
        " closer to the chance of being right. The number was fitted on validation and stands as"
        f" `{TEMPERATURE_KEY}` in `config.json`; CLSight uses it, transformers itself doesn't. No"
        " decision changes."
    )


def _held_out(calibration: CalibrationRecord) -> str:
    if calibration.measured_on == "test" or calibration.reason:
        return calibration.measured_on
    return "validation, each fifth at the temperature fitted on the other four"
