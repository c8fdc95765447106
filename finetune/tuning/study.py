"""What a search has found, on disk: a journal that a kill at any moment leaves readable.

Optuna appends a line to it for all that happens, and waits until the disk has it. A file of lines
needs no database: half a line, which a kill may leave, is the last one, and is cut off. Only the
process that holds the lock of the folder (`search_folder`) writes.
"""

from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from finetune.errors import OutputError
from finetune.run.record import TrialRecord
from finetune.tuning.search_space import SearchSpace, Value, round_value

NUMBER, SECONDS, LOSS, REASON, OUT_OF_TIME = "number", "seconds", "loss", "reason", "out of time"
"""What is noted of a trial beside its score."""
RANDOM_TRIALS = 5
"""Trials that are drawn at random before the sampler learns from them, and before any is pruned."""


class TuningStudy:
    """Optuna's study of one search.

    Args:
        journal: Its file, which is made where there is none.
        seed: Of what is drawn; what a trial is given depends on it and on the trials before alone,
            so that a search that was stopped tries what it would have tried.
    """

    def __init__(self, journal: Path, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.seed = seed
        _cut_half_line(journal)
        try:
            storage = JournalStorage(JournalFileBackend(str(journal), _Unlocked(str(journal))))
            self.study: Study = optuna.create_study(
                storage=storage,
                study_name="tune",
                direction="maximize",
                pruner=MedianPruner(n_startup_trials=RANDOM_TRIALS),
                load_if_exists=True,
            )
        except (ValueError, KeyError) as error:
            raise OutputError(
                f"{journal.name} of the stopped search is damaged; start over with --overwrite"
            ) from error

    def begin(self, start: dict[str, Value], space: SearchSpace) -> None:
        """Queue the settings to *start* from, or whatever was interrupted, to go on with it."""
        trials = self.study.get_trials(deepcopy=False)
        if not trials:
            self.study.enqueue_trial(start, user_attrs={NUMBER: 1})
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self.study.tell(trial.number, state=TrialState.FAIL)
                self._queue_again(trial, space)

    def queue_out_of_time(self, space: SearchSpace) -> None:
        """Queue what was out of time, now that there is more of it."""
        for trial in self._last_by_number():
            if trial.user_attrs.get(OUT_OF_TIME):
                self._queue_again(trial, space)

    def ask(self) -> Trial:
        """The next trial, queued or new."""
        self.study.sampler = TPESampler(
            n_startup_trials=RANDOM_TRIALS, seed=(self.seed + len(self.ended())) % 2**32
        )
        trial = self.study.ask()
        if NUMBER not in trial.user_attrs:
            trial.set_user_attr(NUMBER, len(self.ended()) + 1)
        return trial

    def ended(self) -> list[FrozenTrial]:
        """The trials of which something came, in the order of their numbers."""
        return [each for each in self._last_by_number() if _outcome(each) is not None]

    def records(self, space: SearchSpace) -> tuple[TrialRecord, ...]:
        """What came of each."""
        return tuple(_record(each, space) for each in self.ended())

    def best(self) -> FrozenTrial | None:
        """The trial of the highest score; of several the surest, then the first.

        A trial that wasn't run to its end is none.
        """
        complete = [each for each in self.ended() if each.state == TrialState.COMPLETE]
        return max(
            complete,
            key=lambda each: (each.value, -each.user_attrs[LOSS], -each.user_attrs[NUMBER]),
            default=None,
        )

    def _queue_again(self, trial: FrozenTrial, space: SearchSpace) -> None:
        """Queue a trial under its number, unless it has no settings yet, which are drawn again."""
        settings: dict[str, Any] = trial.system_attrs.get("fixed_params", {}) | trial.params
        number = trial.user_attrs.get(NUMBER)
        if number is not None and (number == 1 or settings.keys() == space.limits.keys()):
            self.study.enqueue_trial(settings, user_attrs={NUMBER: number})

    def _last_by_number(self) -> list[FrozenTrial]:
        """Each trial as it was run last: one that was interrupted is there more than once."""
        trials = self.study.get_trials(deepcopy=False)
        last = {each.user_attrs[NUMBER]: each for each in trials if NUMBER in each.user_attrs}
        return [last[number] for number in sorted(last)]


class _Unlocked(JournalFileOpenLock):
    """No lock of the journal's own: that of the folder is held, and a killed process frees it."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


def _cut_half_line(journal: Path) -> None:
    """Remove what stands behind the last whole line, after which nothing could be read."""
    if journal.is_file():
        with journal.open("r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)


def _outcome(trial: FrozenTrial) -> str | None:
    """How a trial ended; None where it didn't."""
    if not trial.state.is_finished():
        return None
    if trial.state == TrialState.COMPLETE:
        return "complete"
    if trial.state == TrialState.PRUNED:
        return "pruned"
    if trial.user_attrs.get(OUT_OF_TIME):
        return "out of time"
    return "failed" if REASON in trial.user_attrs else None


def _record(trial: FrozenTrial, space: SearchSpace) -> TrialRecord:
    measured = trial.intermediate_values.values()
    return TrialRecord(
        number=trial.user_attrs[NUMBER],
        settings={name: round_value(trial.params[name]) for name in space.limits},
        state=_outcome(trial),  # type: ignore[arg-type]
        score=max(measured, default=None),
        seconds=trial.user_attrs[SECONDS],
        reason=trial.user_attrs.get(REASON, ""),
    )
