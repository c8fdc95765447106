"""Fine-tune: open, run the epochs, keep the best one, measure it, write all of it down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from finetune.checkpoint.models import quiet_libraries
from finetune.checkpoint.run_files import CHECKPOINTS, RECORD, SETTINGS
from finetune.run import disk_space, processes
from finetune.run.config import TrainConfig
from finetune.run.config_file import write_config_file
from finetune.run.events import Events
from finetune.run.finished_run import finished_run, require_same_settings
from finetune.run.graceful_stop import terminated_as_interrupted
from finetune.run.history_writing import HistoryWriter
from finetune.run.output_folder import (
    check_output,
    forget_folder,
    require_no_stopped_run,
    working_folder,
    working_path,
)
from finetune.run.precision_choice import PrecisionChoice
from finetune.run.record import RunRecord
from finetune.run.saved_settings import (
    Fingerprints,
    SavedSettings,
    load_settings,
    require_same,
    require_same_processes,
    require_same_rows,
    save_settings,
)
from finetune.run.shutdown import report_failures
from finetune.run.snapshot_folders import Snapshots
from finetune.run.tuning_folder import is_stopped_search, require_no_stopped_search, tuning_path
from finetune.training.fit import Say, fit, last_step, steps_of_epoch
from finetune.training.kept_steps import finish_history, plan_history
from finetune.training.precision import choose_precision
from finetune.training.prepare import describe_prepared, prepare_run, put_together
from finetune.training.prepared_run import PreparedRun
from finetune.training.pretraining import pretrain, seconds_spent
from finetune.training.results import (
    assess_run,
    build_record,
    count_parameters,
    save_weights,
    write_card_and_plots,
)
from finetune.training.seeds import train_seeds
from finetune.training.trainer import SnapshotTrainer

ALREADY_FINISHED = "The run is finished, with the same settings; nothing is left to do."


def train(
    config: TrainConfig,
    *,
    say: Say = print,
    precision: PrecisionChoice | None = None,
    searched_rows: Fingerprints | None = None,
) -> RunRecord:
    """Run *config* and leave a checkpoint folder at its output; *say* gets one line per event.

    Of several processes the first speaks and writes. What stops the run is one sentence: a
    FinetuneError, or a KeyboardInterrupt after Ctrl-C or SIGTERM.

    Args:
        config: The run.
        say: Gets the lines.
        precision: In which numbers a new run computes; None where a trial may choose.
        searched_rows: Of each split, where a search for this output trains its winner: it is not
            in the way, and files that changed since its trials are refused.
    """
    quiet_libraries()
    processes.join()
    if processes.launched_with_fsdp() and not config.fsdp:
        config = replace(config, fsdp=True)
    if config.resume and (record := finished_run(config.output)) is not None:
        require_same_settings(config, record)
        if processes.is_first():
            say(ALREADY_FINISHED)
        return record
    check_place(config)
    if searched_rows is None:
        _settle_search(config, say)
    with terminated_as_interrupted(), _folder(config) as work, report_failures(config.output):
        say, events = say if processes.is_first() else _say_nothing, Events(work)
        if config.resume and (work / RECORD).is_file():
            require_same(config, load_settings(work).config)
            say("The run was already finished; moving its checkpoint into place.")
            return _read(work)
        if config.seeds == 1:
            return train_in(
                work, config, events, say, precision=precision, searched_rows=searched_rows
            )
        begun = load_settings(work) if config.resume and (work / SETTINGS).is_file() else None
        _save_or_compare_settings(config, {}, work, begun)

        def train_seed(place: Path, one: TrainConfig, first: RunRecord | None) -> RunRecord:
            # Beside the history of the best seed so far lies that of the one at work.
            histories = 2 if one.seed == config.seed else 1
            # Seeds are compared, so they compute alike.
            chosen = precision if first is None else first.precision_choice
            return train_in(
                place,
                one,
                events,
                say,
                precision=chosen,
                searched_rows=searched_rows,
                histories=histories,
            )

        return train_seeds(work, config, say, train=train_seed)


def train_in(
    work: Path,
    config: TrainConfig,
    events: Events,
    say: Say,
    *,
    precision: PrecisionChoice | None = None,
    searched_rows: Fingerprints | None = None,
    histories: int = 1,
) -> RunRecord:
    """Run *config* in the folder *work*, from where it is; the checkpoint is in it at the end.

    A new run computes in *precision*, and reads what a search read, *searched_rows*, where these
    are given. Where a history is kept, there has to be room for so many *histories*.
    """
    run = prepare_run(config)
    for line in describe_prepared(run):
        say(line)
    rows = run.splits.fingerprints()
    if searched_rows is not None:
        require_same_rows(rows, searched_rows)
    begun = load_settings(work) if config.resume and (work / SETTINGS).is_file() else None
    run = settle_precision(run, begun, precision)
    say(f"Precision: {run.precision}.")
    _save_or_compare_settings(config, rows, work, begun, run.precision)
    _check_disk(run, work, say, histories)
    step = last_step(Snapshots(work / CHECKPOINTS), say) if config.resume else None
    if step is None and config.pretrain_epochs:
        pretrain(run, work, events, say)
    trainer = fit(run, work, step, events, say)
    if run.config.fsdp:
        run = put_together(run)
    if processes.is_first():
        _finish(run, trainer, work, say)
    processes.wait()
    return _read(work)


def settle_precision(
    run: PreparedRun, begun: SavedSettings | None, given: PrecisionChoice | None = None
) -> PreparedRun:
    """The run in the precision that it was begun with, or that is given, or that a trial chooses.

    A run that goes on keeps its precision on another machine too, or its steps would be others
    than those of a run that wasn't stopped.
    """
    if begun is not None:
        return replace(run, precision=begun.precision or run.precision)
    return replace(run, precision=given or choose_precision(run))


def _check_disk(run: PreparedRun, work: Path, say: Say, histories: int) -> None:
    """Say what a history takes, refuse it without the room, and warn where snapshots lack theirs.

    Raises:
        OutputError: There isn't the room for the history.
    """
    history = 0
    if run.config.keeps_history:
        plan = plan_history(run, steps_of_epoch(run), histories)
        disk_space.require_room(work, plan.bytes)
        say(plan.describe())
        history = plan.bytes
    stages = 2 if run.config.pretrain_epochs else 1
    if tight := disk_space.disk_space_warning(
        work, count_parameters(run.base), stages=stages, history=history
    ):
        say(tight)


def check_place(config: TrainConfig) -> None:
    """Refuse an output that holds something, unless the run, or the one it goes on with, may."""
    work, overwrite = working_path(config.output), config.overwrite
    if config.resume and (work / SETTINGS).is_file():
        overwrite = load_settings(work).config.overwrite
    check_output(config.output, inputs=config.inputs, overwrite=overwrite)
    if not (config.resume or config.overwrite):
        require_no_stopped_run(config.output)


def _settle_search(config: TrainConfig, say: Say) -> None:
    """Refuse an output for which a search was stopped, or forget that where the run may.

    Otherwise `resume` could not say which of the two it goes on with.
    """
    if not config.overwrite:
        require_no_stopped_search(config.output)
    elif processes.is_first() and is_stopped_search(config.output):
        forget_folder(tuning_path(config.output))
        say("The search that was stopped for this output is removed.")


@contextmanager
def _folder(config: TrainConfig) -> Iterator[Path]:
    """The working folder, which the first process makes and moves to its place."""
    if processes.is_first():
        with working_folder(config.output, resume=config.resume) as work:
            yield work
    else:
        yield working_path(config.output)


def _save_or_compare_settings(
    config: TrainConfig,
    rows: Fingerprints,
    work: Path,
    begun: SavedSettings | None,
    precision: PrecisionChoice | None = None,
) -> None:
    """Write settings and rows down, or compare them with those of the run that goes on."""
    if begun is not None:
        require_same(config, begun.config)
        require_same_processes(begun.processes)
        require_same_rows(rows, begun.rows)
    elif processes.is_first():
        save_settings(config, rows, work, precision=precision)
    processes.wait()


def _finish(run: PreparedRun, trainer: SnapshotTrainer, work: Path, say: Say) -> None:
    """Write the best weights and all that is known of them, the record last."""
    saved = save_weights(run, work)
    if run.config.keeps_history:
        finish_history(run, trainer, HistoryWriter(work))
    quality = assess_run(run, saved, work, say)
    record = build_record(run, trainer, saved, quality, before=seconds_spent(work))
    write_config_file(run.config, work)
    run.check.save(work, examples=False)
    write_card_and_plots(record, work, say)
    record.save(work)


def _read(work: Path) -> RunRecord:
    """The record in *work*, which the first process may move once all have read it."""
    record = RunRecord.load(work)
    processes.wait()
    return record


def _say_nothing(_: str) -> None:
    """What other processes would say."""
