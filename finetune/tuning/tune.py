"""Search for settings: trials until the budget is used up, then a whole run with the best ones."""

import gc
import time
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path

from optuna import TrialPruned
from optuna.trial import Trial, TrialState

from finetune.checkpoint.models import quiet_libraries
from finetune.checkpoint.run_files import JOURNAL
from finetune.errors import ConfigError, OutputError
from finetune.run import processes
from finetune.run.atomic_files import remove_quietly
from finetune.run.config import DEFAULTS, TrainConfig
from finetune.run.finished_run import finished_run, require_same_settings
from finetune.run.graceful_stop import terminated_as_interrupted
from finetune.run.output_folder import (
    empty_folder,
    forget_folder,
    resolve_output,
    working_path,
)
from finetune.run.record import RunRecord, TuningRecord
from finetune.run.saved_settings import (
    SavedSettings,
    load_settings,
    require_same,
    require_same_rows,
    save_settings,
)
from finetune.run.shutdown import report_failures
from finetune.run.tuning_folder import (
    describe_stopped_search,
    is_stopped_search,
    require_no_stopped_search,
    search_folder,
)
from finetune.training.fit import Say
from finetune.training.prepare import describe_prepared, prepare_again, prepare_run
from finetune.training.prepared_run import PreparedRun
from finetune.training.train import ALREADY_FINISHED, check_place, settle_precision
from finetune.tuning.config import TuneConfig
from finetune.tuning.results import describe_trial, keep_trials, tuning_record, write_tuning
from finetune.tuning.search_space import (
    SearchSpace,
    default_space,
    require_usable,
    round_value,
    with_settings,
)
from finetune.tuning.study import (
    LOSS,
    NUMBER,
    OUT_OF_TIME,
    REASON,
    SECONDS,
    TuningStudy,
)
from finetune.tuning.trials import OutOfTimeError, TrialWatch, seconds_before, train_trial
from finetune.tuning.winner import train_winner


def tune(
    config: TrainConfig,
    search: TuneConfig | None = None,
    space: SearchSpace | None = None,
    *,
    given: Collection[str] | None = None,
    say: Say = print,
) -> RunRecord:
    """Find settings for *config* and leave a checkpoint that was trained with them at its output.

    Args:
        config: The run; what it says of a setting that is tried is the first trial.
        search: When the search ends; None goes on as one was begun, or has the defaults.
        space: What is tried; None for the same, or what suits the base model and the task.
        given: Names of settings that are not tried then; None for those that aren't as by default.
        say: Gets one line per event.

    Raises:
        FinetuneError: In one sentence, what stopped it.
        KeyboardInterrupt: Ctrl-C or SIGTERM did; the message says how to go on.
    """
    quiet_libraries()
    if processes.count() > 1:
        raise ConfigError(
            "a search runs in one process; start clsight tune alone, and train with what it finds"
            " (train.toml) under torchrun"
        )
    begun: SavedSettings | None = None
    resumed = config.resume and is_stopped_search(config.output)
    if not resumed:
        record = finished_run(config.output) if config.resume else None
        if record is not None and record.tuning is not None:
            _require_same_search(config, space, record.tuning, record)
            say(ALREADY_FINISHED)
            return record
        _check_new(config)
    with (
        terminated_as_interrupted(),
        search_folder(config.output) as folder,
        report_failures(config.output, describe_stopped_search),
    ):
        if resumed:
            begun = load_settings(folder)
            require_same(config, begun.config)
        run = prepare_run(_trial_settings(config))
        for line in describe_prepared(run):
            say(line)
        rows = run.splits.fingerprints()
        if begun is not None:
            require_same_rows(rows, begun.rows)
        # All trials, and the run with the best settings, compute alike.
        run = settle_precision(run, begun)
        say(f"Precision: {run.precision}.")
        if begun is None:
            space = space or default_space(run, _changed(config) if given is None else given)
            require_usable(space, config, run.base)
            forget_folder(working_path(config.output))
            empty_folder(folder)
        study = TuningStudy(folder / JOURNAL, config.seed)
        search, space = _plan(study, run, config, search, space)
        if begun is None:  # with which it is a search to go on with, and the journal says of what
            save_settings(config, rows, folder, precision=run.precision)
        overwrite = config.overwrite if begun is None else begun.config.overwrite
        _search(study, run, config, search, space, folder, say)
        best = replace(config, overwrite=overwrite, resume=False)
        record = train_winner(study, best, run.precision, rows, say)
        record = replace(record, tuning=tuning_record(study, space, run.best_by))
        write_tuning(record, resolve_output(config.output), say)
        if search.keep_trials:
            keep_trials(folder, resolve_output(config.output))
        remove_quietly(folder)
    return record


def _require_same_search(
    config: TrainConfig, space: SearchSpace | None, found: TuningRecord, record: RunRecord
) -> None:
    """Refuse to call a search finished that was another one."""
    require_same_settings(config, record, searched=found.space)
    limits = {name: tuple(each) for name, each in found.space.items()}
    start, first = SearchSpace(limits).start(config), found.trials[0]
    if space not in (None, SearchSpace(limits)) or (
        first.number == 1
        and any(round_value(value) != first.settings.get(name) for name, value in start.items())
    ):
        raise ConfigError(
            f"the search for {resolve_output(config.output).name!r} is finished and tried other"
            " settings, or began with others; give the same, another --output, or --overwrite"
            " without --resume to search again"
        )


def _check_new(config: TrainConfig) -> None:
    if not config.overwrite:
        require_no_stopped_search(config.output)
    check_place(replace(config, resume=False))


def _changed(config: TrainConfig) -> set[str]:
    """The names of the settings that aren't as by default."""
    return {name for name, default in DEFAULTS.items() if getattr(config, name) != default}


def _trial_settings(config: TrainConfig) -> TrainConfig:
    """*config* without what is not for a trial: weights of the way, and a base for each seed."""
    return replace(config, keep_epochs=False, keep_steps=0, seeds=1)


def _plan(
    study: TuningStudy,
    run: PreparedRun,
    config: TrainConfig,
    search: TuneConfig | None,
    space: SearchSpace | None,
) -> tuple[TuneConfig, SearchSpace]:
    """What is tried and until when: as it was begun, but for another end that is given."""
    attributes = study.study.user_attrs
    if "space" in attributes:
        kept = SearchSpace({name: tuple(each) for name, each in attributes["space"].items()})
        if space is not None and space != kept:
            raise ConfigError(
                "the stopped search tries other settings; bring the [tune] section back, or start"
                " over with --overwrite"
            )
        space, before = kept, TuneConfig(**attributes["search"])
    elif space is None:
        raise OutputError(
            f"{JOURNAL} of the stopped search is damaged; start over with --overwrite"
        )
    else:
        before = None
        study.study.set_user_attr("space", space.to_dict())
    search = search or before or TuneConfig()
    if search != before:
        study.study.set_user_attr("search", asdict(search))
        study.study.set_user_attr("over", False)
    start = space.start(replace(config, learning_rate=run.config.learning_rate))
    study.begin(start, space)
    return search, space


def _search(
    study: TuningStudy,
    run: PreparedRun,
    config: TrainConfig,
    search: TuneConfig,
    space: SearchSpace,
    folder: Path,
    say: Say,
) -> None:
    """Run trials until there are enough, or the time is up."""
    if study.study.user_attrs.get("over"):
        return
    study.queue_out_of_time(space)
    budget = search.minutes * 60 or None
    in_time = True
    while in_time and len(study.ended()) < search.most_trials:
        spent = sum(each.seconds for each in study.records(space))
        if budget is not None and spent >= budget:
            break
        trial = study.ask()
        place = folder / f"trial-{trial.user_attrs[NUMBER]:03d}"
        begun = time.monotonic() - seconds_before(place)
        deadline = None if budget is None else begun + budget - spent
        in_time = _run_trial(study, trial, run, config, space, place, begun, deadline)
        gc.collect()  # the model of the trial has cycles, and memory is for the next one
        if in_time and not search.keep_trials:
            remove_quietly(place)
        say(describe_trial(study, space, trial.user_attrs[NUMBER], run.best_by, search.trials))
    study.study.set_user_attr("over", True)


def _run_trial(
    study: TuningStudy,
    trial: Trial,
    run: PreparedRun,
    config: TrainConfig,
    space: SearchSpace,
    place: Path,
    begun: float,
    deadline: float | None,
) -> bool:
    """Whether the trial ended before the time was up, by itself or as one that is behind."""
    watch = TrialWatch(trial, run.best_by, deadline)
    drawn = space.suggest(trial)
    state, score = TrialState.FAIL, None
    notes: dict[str, str | float] = {}
    try:
        # Not from the config of *run*, whose rate suits its own settings, and may not suit these.
        settings = with_settings(_trial_settings(config), drawn)
        best = train_trial(prepare_again(run, settings), place, watch, _say_nothing)
        state, score = TrialState.COMPLETE, best.measured[run.best_by]
        notes = {LOSS: best.validation_loss}
    except TrialPruned:
        state = TrialState.PRUNED
    except OutOfTimeError:
        notes = {OUT_OF_TIME: True}
    except (FloatingPointError, OverflowError, ConfigError) as error:
        notes = {REASON: str(error)}
    for name, note in (notes | {SECONDS: round(time.monotonic() - begun, 1)}).items():
        trial.set_user_attr(name, note)
    study.study.tell(trial, score, state=state)
    return OUT_OF_TIME not in notes


def _say_nothing(_: str) -> None:
    """What single trials would say."""
