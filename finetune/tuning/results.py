"""What a search came to: in the terminal trial by trial, and all of it beside the weights."""

import csv
import io
from pathlib import Path

from finetune.checkpoint.run_files import TRIALS, TUNING
from finetune.evaluation.report.best_effort import best_effort
from finetune.evaluation.report.card import write_card
from finetune.run.atomic_files import remove_quietly, write_atomically
from finetune.run.metrics import find_metric
from finetune.run.record import RunRecord, TuningRecord
from finetune.training.fit import Say
from finetune.tuning.search_space import SearchSpace, describe_settings
from finetune.tuning.study import NUMBER, TuningStudy


def tuning_record(study: TuningStudy, space: SearchSpace, metric: str) -> TuningRecord:
    """All trials, of which one at least was completed, and the best of them."""
    trials, best = study.records(space), study.best()
    assert best is not None  # else nothing was trained
    return TuningRecord(
        metric=metric,
        space=space.to_dict(),
        trials=trials,
        best=best.user_attrs[NUMBER],
        seconds=round(sum(each.seconds for each in trials), 1),
    )


def write_tuning(record: RunRecord, folder: Path, say: Say) -> None:
    """Tell the search in `trials.csv`, in the card and, last, in the record of *folder*."""
    tuning, table = record.tuning, io.StringIO()
    assert tuning is not None
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["trial", "state", tuning.metric, "seconds", *tuning.space, "reason"])
    for each in tuning.trials:
        settings = (each.settings[name] for name in tuning.space)
        writer.writerow([each.number, each.state, each.score, each.seconds, *settings, each.reason])
    write_atomically(folder / TRIALS, table.getvalue())
    best_effort("the model card README.md", lambda: write_card(record, folder), say)
    record.save(folder)


def keep_trials(tuning: Path, folder: Path) -> None:
    """Move what is left of the trials in *tuning* into the checkpoint in *folder*."""
    place = folder / TUNING
    place.mkdir(exist_ok=True)
    for trial in sorted(tuning.glob("trial-*")):
        remove_quietly(place / trial.name)
        trial.rename(place / trial.name)


def describe_trial(
    study: TuningStudy, space: SearchSpace, number: int, metric: str, trials: int | None
) -> str:
    """How a trial ended, and which is the best so far, in a line."""
    trial = next(each for each in study.records(space) if each.number == number)
    of = f" of {trials}" if trials else ""
    words = f"Trial {number}{of}: {describe_settings(trial.settings)}"
    measure, best = find_metric(metric), study.best()
    if trial.score is not None:
        words += f": {measure.label} {trial.score:{measure.format}}"
    end = {"failed": f"failed, as {trial.reason}", "pruned": "stopped, as it was behind the others"}
    words += f"; {end.get(trial.state, trial.state)} after {trial.seconds:.0f} seconds"
    if best is None:
        return f"{words}."
    return f"{words}. Best: trial {best.user_attrs[NUMBER]}, {best.value:{measure.format}}."
