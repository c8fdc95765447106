"""The section of a model card on how far its probabilities can be taken at their word."""

from collections.abc import Collection

from finetune.checkpoint.temperature import TEMPERATURE_KEY
from finetune.evaluation.report.limitations import several
from finetune.evaluation.report.markdown import table
from finetune.evaluation.report.plots import RELIABILITY_FILE
from finetune.run.record import CalibrationRecord, RunRecord


def calibration_section(record: RunRecord, pictures: Collection[str]) -> str:
    """The section as Markdown; empty where there are scores, which have no probabilities."""
    made = record.calibration
    if made is None:
        return ""
    alt = f"Reliability on {made.measured_on}: share that is right by confidence"
    curve = f"![{alt}]({RELIABILITY_FILE})"
    rows = [
        [name, f"{found.ece:.2%}", f"{found.nll:.4f}", f"{found.brier:.4f}"]
        for name, found in (("as trained", made.before), ("at the temperature", made.after))
    ]
    unit = "every decision for or against a class" if several(record) else "every row"
    return "\n\n".join(
        [
            "## Calibration",
            _temperature(made),
            table(
                ["probabilities", "expected calibration error", "log-likelihood lost", "Brier"],
                rows[:1] if made.reason else rows,
            ),
            f"Measured on {_held_out(made)}; {unit} counts, in {len(made.after.curve)} bins of"
            " equal width.",
            *([curve] if RELIABILITY_FILE in pictures else []),
        ]
    )


def _temperature(made: CalibrationRecord) -> str:
    if made.reason:
        return f"No temperature was fitted: {made.reason}."
    return (
        f"Dividing the logits by **{made.temperature:.3f}** makes their softmax or sigmoid closer"
        " to the chance of being right. The number was fitted on validation and stands as"
        f" `{TEMPERATURE_KEY}` in `config.json`; CLSight uses it, transformers itself doesn't. No"
        " decision changes."
    )


def _held_out(made: CalibrationRecord) -> str:
    if made.measured_on == "test" or made.reason:
        return made.measured_on
    return "validation, each fifth at the temperature fitted on the other four"
