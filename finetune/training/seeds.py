"""Several runs that differ in their seed alone: the best is kept, and all are told of."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from finetune.checkpoint.run_files import CHECKPOINTS, HISTORY, RECORD, SEED_PREFIX, SEEDS, SETTINGS
from finetune.errors import DataError
from finetune.run import processes
from finetune.run.atomic_files import remove_quietly
from finetune.run.config import TrainConfig
from finetune.run.config_file import write_config_file
from finetune.run.measurements import AnyMetrics
from finetune.run.metrics import choosing_metric, measure_all
from finetune.run.record import RunRecord, SeedRecord
from finetune.training.results import write_card_and_plots
from finetune.training.saved_adapter import name_base

OneRun = Callable[[Path, TrainConfig, RunRecord | None], RunRecord]
"""Trains one seed in its folder; hears of the record of the first, where there is one."""


def train_seeds(
    work: Path, config: TrainConfig, say: Callable[[str], None], *, train: OneRun
) -> RunRecord:
    """Run *config* with each seed in a folder of its own, and leave the best in *work*.

    Runs that ended before this one was stopped are not run again.
    """
    records: dict[int, RunRecord] = {}
    for number, seed in enumerate(range(config.seed, config.seed + config.seeds), start=1):
        say(f"Seed {seed}, {number} of {config.seeds}.")
        place, first = _seed_folder(work, seed), records.get(config.seed)
        records[seed] = _train_seed(place, config, seed, first, train)
        _require_same_rows(records[config.seed], records[seed])
        best = max(records, key=lambda seed: (_best_metric(records[seed]), -seed))
        if processes.is_first():
            for beaten in records.keys() - {best}:
                remove_quietly(_seed_folder(work, beaten) / HISTORY)
    say(f"Seed {best} is the best on validation.")
    config = replace(config, learning_rate=records[best].settings["learning_rate"])
    record = replace(
        records[best],
        command=config.command(),
        settings=config.settings(),
        seconds=round(sum(each.seconds for each in records.values()), 1),
        baselines=records[config.seed].baselines,
        seeds=tuple(_seed_record(seed, each, kept=seed == best) for seed, each in records.items()),
    )
    if processes.is_first():
        _keep_best(_seed_folder(work, best), record, config, work, say)
    processes.wait()
    return record


def _seed_folder(work: Path, seed: int) -> Path:
    return work / SEEDS / f"{SEED_PREFIX}{seed}"


def _train_seed(
    place: Path, config: TrainConfig, seed: int, first: RunRecord | None, train: OneRun
) -> RunRecord:
    if (place / RECORD).is_file():
        return RunRecord.load(place)
    place.mkdir(parents=True, exist_ok=True)
    settings = replace(
        config,
        seed=seed,
        split_seed=config.cut_seed,
        seeds=1,
        # The rows are the same, so once is enough.
        baseline=config.baseline and seed == config.seed,
    )
    record = train(place, settings, first)
    if processes.is_first():
        shutil.rmtree(place / CHECKPOINTS, ignore_errors=True)
    return record


def _best_metric(record: RunRecord) -> float:
    return choosing_metric(regression=record.regression).of(record.validation)


def _seed_record(seed: int, record: RunRecord, *, kept: bool) -> SeedRecord:
    def measures(split: AnyMetrics) -> dict[str, float]:
        return measure_all(split, regression=record.regression)

    test = None if record.test is None else measures(record.test)
    return SeedRecord(seed=seed, validation=measures(record.validation), test=test, kept=kept)


def _require_same_rows(first: RunRecord, record: RunRecord) -> None:
    """Refuse to tell runs as one that were not on the same rows: a file changed in between."""
    for name, split in record.splits.items():
        if split.fingerprint != first.splits[name].fingerprint:
            raise DataError(
                f"the rows of {name} changed since the first seed was run; bring the files back, or"
                " start over with --overwrite"
            )


def _keep_best(
    place: Path, record: RunRecord, config: TrainConfig, work: Path, say: Callable[[str], None]
) -> None:
    """Copy the best run into *work*, and write down that it is one of several, the record last."""
    others = shutil.ignore_patterns(CHECKPOINTS, SETTINGS, RECORD, HISTORY)
    shutil.copytree(place, work, ignore=others, dirs_exist_ok=True)
    if (place / HISTORY).is_dir():  # else it was moved before this was stopped, or none was kept
        (place / HISTORY).rename(work / HISTORY)
    if config.save == "adapter":
        name_base(work, config.model)
    write_config_file(config, work)
    write_card_and_plots(record, work, say)
    record.save(work)
