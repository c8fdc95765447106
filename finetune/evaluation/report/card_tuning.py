"""The section of the model card on the search that found the settings."""

from finetune.evaluation.report.markdown import escaped, table
from finetune.evaluation.selection_bias import selection_bias
from finetune.run.metrics import find_metric
from finetune.run.record import RunRecord, TrialRecord

MAX_TRIALS = 30
"""Trials that the card tells of; `trials.csv` has all."""


def tuning_section(record: RunRecord) -> str:
    """How many settings were tried, what they came to, and what that says of the best."""
    tuning = record.tuning
    if tuning is None:
        return ""
    metric = find_metric(tuning.metric)
    # Those that were measured come first, the best of them on top.
    ranked = sorted(
        tuning.trials, key=lambda each: (each.number != tuning.best, -_score(each), each.number)
    )
    rows = [
        [
            f"**{each.number}**" if each.number == tuning.best else str(each.number),
            *(_number(each.settings[name]) for name in tuning.space),
            "" if each.score is None else f"{each.score:{metric.format}}",
            each.state,
            f"{each.seconds:.0f}",
        ]
        for each in ranked[:MAX_TRIALS]
    ]
    names = [name.replace("_", " ") for name in tuning.space]
    return "\n\n".join(
        [
            "## Search for the settings",
            f"Optuna chose the settings by {len(tuning.trials):,} trials in"
            f" {tuning.seconds / 60:.1f} minutes, each trained on the training rows and measured on"
            f" validation alone. {selection_bias(record)}",
            table(["trial", *names, f"{metric.label}, validation", "state", "seconds"], rows),
            f"In bold the trial whose settings are those of this model; `trials.csv` has all"
            f" {len(tuning.trials):,}.",
        ]
    )


def _score(trial: TrialRecord) -> float:
    return float("-inf") if trial.score is None else trial.score


def _number(value: str | int | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else escaped(str(value))
