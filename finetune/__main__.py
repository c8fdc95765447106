"""The command line: `python -m finetune check`, `train`, `tune` and others."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.checkpoint.garbage import collect_less_garbage
from finetune.checkpoint.hub import prefer_cache_without_network
from finetune.checkpoint.run_files import RESULT_LINE
from finetune.data.tables.safe_text import printable
from finetune.errors import FinetuneError
from finetune.run.cli_options import with_options
from finetune.run.config import TrainConfig
from finetune.run.config_file import describe_settings
from finetune.run.config_sections import ColumnConfig, DataConfig, InputConfig, SeedConfig
from finetune.run.help_text import use_docstrings
from finetune.run.local_paths import require_other_file
from finetune.tuning.config import TuneConfig

if TYPE_CHECKING:
    from finetune.run.record import RunRecord
    from finetune.tuning.search_space import SearchSpace

app = typer.Typer(
    help="Fine-tune a text classifier, and measure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


after_training: "ContextVar[Callable[[TrainConfig, RunRecord], None] | None]" = ContextVar(
    "after_training", default=None
)
"""What is done with a checkpoint once it is in its place, by who knows more of it; raises nothing.
"""


def _echo(text: str, *, err: bool = False) -> None:
    """Print lines with nothing that steers the terminal: texts and labels are what others wrote."""
    typer.echo(printable(text), err=err)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Whatever the user can mend ends the command with one sentence and exit code 1.

    Ctrl-C ends it with one sentence and exit code 130, as a shell reports that signal.
    """
    collect_less_garbage()
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "10")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        yield
    except FinetuneError as error:
        _echo(str(error), err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as stop:
        _echo(str(stop) or "stopped by the keyboard; nothing was written", err=True)
        raise typer.Exit(130) from None


@app.command()
@one_sentence()
@with_options
def train(config: TrainConfig) -> None:
    """Fine-tune a classifier and leave a checkpoint folder with its record and model card.

    Example: clsight train --data reviews.csv --model bert-base-uncased --output reviews
    """
    prefer_cache_without_network(*config.inputs)
    _train(config)


@app.command()
@one_sentence()
@with_options
def tune(context: typer.Context, config: TrainConfig, search: TuneConfig) -> None:
    """Search for learning rate, epochs and the like on validation, and train with the best.

    What is tried, and between which limits, can stand in [tune] of the --config file; otherwise
    settings that are given, here or in the file, stay as they are.

    Example: clsight tune --data reviews.csv --model bert-base-uncased --output reviews --minutes 60
    """
    prefer_cache_without_network(*config.inputs)
    from finetune.tuning.search_space import read_search_space

    file: Path | None = context.params["config_file"]
    space, given = None if file is None else read_search_space(file, config), _given(context)
    has_end = any(field.name in given for field in fields(TuneConfig))
    _tune(config, search if has_end else None, space, given)


def _given(context: typer.Context) -> set[str]:
    """The names of the settings that the command, or the file of --config, gives."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {
        name for name, source in sources.items() if source is not None and source.name != "DEFAULT"
    }


def _tune(
    config: TrainConfig,
    search: TuneConfig | None,
    space: "SearchSpace | None",
    given: set[str] | None = None,
) -> None:
    from finetune.tuning.tune import tune

    _require_pushable(config)
    _describe(tune(config, search, space, given=given, say=_echo), config)


@app.command()
@one_sentence()
def resume(
    output: Annotated[Path, typer.Argument(help="The --output that the stopped run was given.")],
) -> None:
    """Go on with a run or a search that was stopped, with the settings it was begun with.

    Example: clsight resume reviews
    """
    from finetune.run.tuning_folder import is_stopped_search, stopped_search

    if is_stopped_search(output):
        config = stopped_search(output)
        prefer_cache_without_network(*config.inputs)
        _tune(config, None, None)
        return
    from finetune.run.finished_run import finished_run
    from finetune.run.output_folder import stopped_run

    if finished_run(output) is not None:
        _echo(f"The run of {output} is finished; nothing is left to do.")
        return
    config = stopped_run(output)
    prefer_cache_without_network(*config.inputs)
    _train(config)


def _train(config: TrainConfig) -> None:
    """Run *config* and say what came of it; of several processes the first one does."""
    from finetune.run import processes
    from finetune.training.train import train

    if processes.is_first():
        _echo(describe_settings(config))
        _require_pushable(config)
    record = train(config, say=_echo)
    if processes.is_first():
        _describe(record, config)


def _require_pushable(config: TrainConfig) -> None:
    """Refuse a place on the Hub that can't be written to, before hours are spent."""
    if config.push_to_hub is not None:
        from finetune.run.hub_upload import require_pushable

        require_pushable(config.push_to_hub)


def _describe(record: "RunRecord", config: TrainConfig) -> None:
    """Say what a run came to, and upload it where that was asked for."""
    from finetune.evaluation.report.terminal import describe_run

    _echo(describe_run(record))
    _echo(f"{RESULT_LINE}{record.best_epoch}; checkpoint in {config.output}.")
    if (last_step := after_training.get()) is not None:
        last_step(config, record)
    if config.push_to_hub is not None:
        from finetune.run.hub_upload import push_to_hub

        folder = config.output.expanduser().resolve()
        _echo(f"Pushed to {push_to_hub(folder, config.push_to_hub)}.")


@app.command()
@one_sentence()
@with_options
def evaluate(
    checkpoint: Annotated[
        str, typer.Option(help="Folder of a fine-tuned classifier, or Hub name.")
    ],
    data: Annotated[str, typer.Option(help="File, folder or Hub name, as for train.")],
    columns: ColumnConfig,
    split: Annotated[
        str | None, typer.Option(help="Split to measure; by default test, else validation.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for the report.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the plots.")] = None,
    batch_size: Annotated[int, typer.Option(help="Texts per step.")] = 32,
    limit: Annotated[int | None, typer.Option(help="Measure the first rows only.")] = None,
    masking_ratio: Annotated[
        float,
        typer.Option(
            help="Share of each text's tokens, 0 to 1, to hide first, as train --masking does."
        ),
    ] = 0.0,
) -> None:
    """Measure a checkpoint: accuracy with its 95% interval, F1, each class, calibration.

    One that gives scores: R2, RMSE, MAE, Pearson with its 95% interval, Spearman.

    Example: clsight evaluate --checkpoint reviews --data reviews-test.csv
    """
    require_other_file(output, [data])
    prefer_cache_without_network(checkpoint, data)
    from finetune.data.column_summary import describe_columns
    from finetune.evaluation.evaluate import evaluate as measure
    from finetune.evaluation.report.terminal import describe, format_calibration

    report = measure(
        checkpoint,
        data,
        split=split,
        columns=columns.columns,
        batch_size=batch_size,
        limit=limit,
        masking_ratio=masking_ratio,
    )
    for line in (*describe_columns([(report.split, report.columns)]), *report.notes):
        _echo(line)
    title = f"{report.data}, {report.split}{report.hidden}"
    _echo(describe(report.metrics, title=title))
    if report.calibration is not None:
        calibration = format_calibration(report.calibration)
        _echo(f"At temperature {report.temperature:.3f}: {calibration}")
    if output is not None:
        report.save(output)
        _echo(f"Report in {output}.")
    for file in () if plots is None else report.save_plots(plots):
        _echo(f"Picture in {file}.")


@app.command()
@one_sentence()
@with_options
def check(
    data: DataConfig,
    inputs: InputConfig,
    model: Annotated[
        str | None, typer.Option(help="Base model whose tokenizer counts what would be cut.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="File for the report; it holds a few texts as examples.")
    ] = None,
) -> None:
    """Report what is wrong with the data; exit code 1 where it would stop a run.

    Example: clsight check --data reviews.csv --model bert-base-uncased
    """
    require_other_file(json, data.sources)
    prefer_cache_without_network(*data.sources, *filter(None, [model]))
    from finetune.data.check.run import check_data
    from finetune.errors import DataError

    report = check_data(data, inputs, model=model)
    _echo(report.describe())
    if json is not None:
        report.save(json)
        _echo(f"Report in {json}.")
    if report.fatal:
        raise DataError(report.verdict())


@app.command()
@one_sentence()
@with_options
def baseline(data: DataConfig, seeds: SeedConfig) -> None:
    """Measure what classifiers without a network make of the same rows, in seconds.

    Example: clsight baseline --data reviews.csv
    """
    prefer_cache_without_network(*data.sources)
    from finetune.checkpoint.models import quiet_libraries
    from finetune.data.column_summary import describe_columns
    from finetune.data.source_rows import find_splits
    from finetune.data.splits import load_splits
    from finetune.evaluation.baseline import describe_skipped, measure_baselines
    from finetune.evaluation.report.terminal import describe_baselines

    quiet_libraries()
    source = find_splits(data)
    splits = load_splits(data, source, seed=seeds.cut_seed)
    for line in (*describe_columns(source.columns), *splits.notes):
        _echo(line)
    if skipped := describe_skipped(splits.labels):
        _echo(skipped)
    _echo(describe_baselines(measure_baselines(splits)))


use_docstrings(app)

if __name__ == "__main__":
    sys.exit(app())
