"""The end of a search: a whole run with the settings of the best trial."""

from dataclasses import replace

from finetune.checkpoint.run_files import SETTINGS
from finetune.errors import FinetuneError
from finetune.run.config import TrainConfig
from finetune.run.finished_run import finished_run
from finetune.run.output_folder import forget_folder, working_path
from finetune.run.precision_choice import PrecisionChoice
from finetune.run.record import RunRecord
from finetune.run.saved_settings import Fingerprints
from finetune.training.fit import Say
from finetune.training.train import train
from finetune.tuning.search_space import with_settings
from finetune.tuning.study import NUMBER, REASON, SECONDS, TuningStudy

WINNER = "winner"
"""What is noted of a search before its winner is trained: which trial it is, and what it replaces.

Without it what lies at the output is an older run, though it may have the same settings."""


def train_winner(
    study: TuningStudy,
    config: TrainConfig,
    precision: PrecisionChoice,
    rows: Fingerprints,
    say: Say,
) -> RunRecord:
    """The run with the settings of the best trial: a new one, or what a kill left of it.

    Raises:
        FinetuneError: No trial was completed, the data have other *rows* now than its trials had,
            or what stopped the run.
    """
    best = study.best()
    if best is None:
        ended = study.ended()
        reasons = [each.user_attrs[REASON] for each in ended if REASON in each.user_attrs]
        raise FinetuneError(
            f"no trial was completed: {reasons[-1]}"
            if reasons
            else "no trial was completed in the time given; give more --minutes"
        )
    number = best.user_attrs[NUMBER]
    config = with_settings(config, best.params)
    say(
        f"Trial {number} is the best of {len(study.ended())} on validation; it is trained again"
        f" with all that a run leaves, in about {best.user_attrs[SECONDS] * config.seeds:.0f}"
        " seconds and the time for measuring."
    )
    begun, work = study.study.user_attrs.get(WINNER), working_path(config.output)
    if begun is not None and begun["trial"] != number:
        forget_folder(work)  # of the best of fewer trials
    elif begun is not None and (work / SETTINGS).is_file():
        resumed = replace(config, resume=True, overwrite=False)
        return train(resumed, say=say, precision=precision, searched_rows=rows)
    record = finished_run(config.output)
    replaced = None if record is None else record.created
    if begun is not None and record is not None:
        if begun["trial"] == number and begun["replaces"] != replaced:
            return record
        # It is the best of fewer trials, or what the winner was to replace.
        config = replace(config, overwrite=True)
    study.study.set_user_attr(WINNER, {"trial": number, "replaces": replaced})
    return train(config, say=say, precision=precision, searched_rows=rows)
