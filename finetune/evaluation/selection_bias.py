"""What it means for a number on validation that it chose among several runs."""

from finetune.run.measurements import RegressionMetrics
from finetune.run.record import RunRecord


def selection_bias(record: RunRecord) -> str:
    """What it means that the best of several trials was taken, in one sentence; needs a search."""
    assert record.tuning is not None
    interval = ""
    if not isinstance(record.validation, RegressionMetrics):
        low, high = record.validation.accuracy_interval
        interval = (
            f" (the interval of its accuracy there, {low:.1%} to {high:.1%}, leaves that out)"
        )
    elif record.validation.pearson_interval is not None:
        low, high = record.validation.pearson_interval
        interval = (
            f" (the interval of its correlation there, {low:.3f} to {high:.3f}, leaves that out)"
        )
    others = (
        "the test rows, which chose nothing, are what to compare by"
        if record.test is not None
        else "only rows that chose nothing, of which this run had none, say how good it is"
    )
    return (
        f"On validation the best of {len(record.tuning.trials):,} trials is optimistic{interval};"
        f" {others}."
    )
