"""The command line: `python -m finetune check`, `train`, `resume`, `evaluate` and `baseline`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from finetune.checkpoint.hub import prefer_cache_without_network
from finetune.checkpoint.truncation import Truncation
from finetune.errors import FinetuneError
from finetune.run.cli_options import with_options
from finetune.run.column_names import ColumnNames
from finetune.run.config import Task, TrainConfig
from finetune.run.config_file import describe_settings

app = typer.Typer(
    help="Fine-tune a BERT-family text classifier, and measure it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Whatever the user can mend ends the command with one sentence and exit code 1.

    Ctrl-C ends it with one sentence and exit code 130, as a shell reports that signal.
    """
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "10")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        yield
    except FinetuneError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as stop:
        typer.echo(str(stop) or "stopped by the keyboard; nothing was written", err=True)
        raise typer.Exit(130) from None


@app.command()
@one_sentence()
@with_options
def train(config: TrainConfig) -> None:
    """Fine-tune a classifier and leave a checkpoint folder with its record and model card.

    Example: python -m finetune train --data reviews.csv --model bert-base-uncased --output reviews
    """
    prefer_cache_without_network(*config.inputs)
    _train(config)


@app.command()
@one_sentence()
def resume(
    output: Annotated[Path, typer.Argument(help="The --output that the stopped run was given.")],
) -> None:
    """Go on with a run that was stopped, with the settings it was begun with.

    Example: python -m finetune resume reviews
    """
    from finetune.run.finished_run import finished_run
    from finetune.run.output_folder import stopped_run

    if finished_run(output) is not None:
        typer.echo(f"The run of {output} is finished; nothing is left to do.")
        return
    config = stopped_run(output)
    prefer_cache_without_network(*config.inputs)
    _train(config)


def _train(config: TrainConfig) -> None:
    """Run *config* and say what came of it; of several processes the first one does."""
    from finetune.evaluation.report.terminal import describe_run
    from finetune.run import processes
    from finetune.training.train import train

    if processes.is_first():
        typer.echo(describe_settings(config))
        if config.push_to_hub is not None:
            from finetune.run.hub_upload import require_pushable

            require_pushable(config.push_to_hub)
    record = train(config, say=typer.echo)
    if not processes.is_first():
        return
    typer.echo(describe_run(record))
    typer.echo(f"Best epoch {record.best_epoch}; checkpoint in {config.output}.")
    if config.push_to_hub is not None:
        from finetune.run.hub_upload import push_to_hub

        folder = config.output.expanduser().resolve()
        typer.echo(f"Pushed to {push_to_hub(folder, config.push_to_hub)}.")


@app.command()
@one_sentence()
def evaluate(
    checkpoint: Annotated[
        str, typer.Option(help="Folder of a fine-tuned classifier, or Hub name.")
    ],
    data: Annotated[str, typer.Option(help="File, folder or Hub name, as for train.")],
    split: Annotated[
        str | None, typer.Option(help="Split to measure; by default test, else validation.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file for the report.")] = None,
    plots: Annotated[
        Path | None,
        typer.Option(help="Folder for confusion.png and reliability.png, or scores.png."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Texts per step.")] = 32,
    limit: Annotated[int | None, typer.Option(help="Measure the first rows only.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column with the text.")] = None,
    pair_column: Annotated[str | None, typer.Option(help="Column with the second text.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column with the class.")] = None,
) -> None:
    """Measure a checkpoint: accuracy with its 95 % interval, F1, each class, calibration.

    One that gives scores: R2, RMSE, MAE, Pearson with its 95 % interval, Spearman.

    Example: python -m finetune evaluate --checkpoint reviews --data reviews-test.csv
    """
    prefer_cache_without_network(checkpoint, data)
    from finetune.data.column_summary import describe_columns
    from finetune.evaluation.evaluate import evaluate as run
    from finetune.evaluation.report.terminal import describe, format_calibration

    columns = ColumnNames(text=text_column, pair=pair_column, label=label_column)
    report = run(checkpoint, data, split=split, columns=columns, batch_size=batch_size, limit=limit)
    for line in (*describe_columns([(report.split, report.columns)]), *report.notes):
        typer.echo(line)
    typer.echo(describe(report.metrics, title=f"{report.data}, {report.split}"))
    if report.calibration is not None:
        typer.echo(
            f"At temperature {report.temperature:.3f}: {format_calibration(report.calibration)}"
        )
    if output is not None:
        report.save(output)
        typer.echo(f"Report in {output}.")
    for made in () if plots is None else report.save_plots(plots):
        typer.echo(f"Picture in {made}.")


@app.command()
@one_sentence()
def check(
    data: Annotated[list[str], typer.Option(help="File, folder or Hub name, as for train.")],
    validation: Annotated[str | None, typer.Option(help="File that chooses the epoch.")] = None,
    test: Annotated[str | None, typer.Option(help="File that is measured once.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Base model whose tokenizer counts what would be cut.")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens kept, as for train.")] = None,
    truncation: Annotated[
        Truncation, typer.Option(help="What is kept of a longer text, as for train.")
    ] = "head",
    window_stride: Annotated[
        int, typer.Option(help="Tokens from window to window of measuring, as for train.")
    ] = 0,
    text_column: Annotated[str | None, typer.Option(help="Column with the text.")] = None,
    pair_column: Annotated[str | None, typer.Option(help="Column with the second text.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column with the class.")] = None,
    task: Annotated[Task, typer.Option(help="What the label column holds, as for train.")] = "auto",
    json: Annotated[
        Path | None, typer.Option(help="File for the report; it holds a few texts as examples.")
    ] = None,
) -> None:
    """Say what is wrong with the data; exit code 1 where it would stop a run.

    Example: python -m finetune check --data reviews.csv --model bert-base-uncased
    """
    prefer_cache_without_network(*data, *filter(None, (validation, test, model)))
    from finetune.data.check.run import check_data
    from finetune.errors import DataError

    config = TrainConfig(
        data=tuple(data),
        model=model or "none",
        output=Path("none"),
        validation=validation,
        test=test,
        max_length=max_length,
        truncation=truncation,
        window_stride=window_stride,
        text_column=text_column,
        pair_column=pair_column,
        label_column=label_column,
        task=task,
    )
    report = check_data(config, model=model)
    typer.echo(report.describe())
    if json is not None:
        report.save(json)
        typer.echo(f"Report in {json}.")
    if report.fatal:
        raise DataError(report.verdict())


@app.command()
@one_sentence()
def baseline(
    data: Annotated[list[str], typer.Option(help="File, folder or Hub name, as for train.")],
    validation: Annotated[str | None, typer.Option(help="File that chooses settings.")] = None,
    test: Annotated[str | None, typer.Option(help="File that is measured once.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column with the text.")] = None,
    pair_column: Annotated[str | None, typer.Option(help="Column with the second text.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column with the class.")] = None,
    task: Annotated[Task, typer.Option(help="What the label column holds, as for train.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of a cut split, as for train.")] = 42,
) -> None:
    """Measure what classifiers without a network make of the same rows, in seconds.

    Example: python -m finetune baseline --data reviews.csv
    """
    prefer_cache_without_network(*data, *filter(None, (validation, test)))
    from finetune.checkpoint.models import quiet_libraries
    from finetune.data.column_summary import describe_columns
    from finetune.data.splits import find_splits, load_splits
    from finetune.evaluation.baseline import describe_skipped, measure_baselines
    from finetune.evaluation.report.terminal import describe_baselines

    quiet_libraries()
    config = TrainConfig(
        data=tuple(data),
        model="none",
        output=Path("none"),
        validation=validation,
        test=test,
        text_column=text_column,
        pair_column=pair_column,
        label_column=label_column,
        task=task,
        seed=seed,
    )
    found = find_splits(config)
    splits = load_splits(config, found)
    for line in (*describe_columns(found.columns), *splits.notes):
        typer.echo(line)
    if missing := describe_skipped(splits.labels):
        typer.echo(missing)
    typer.echo(describe_baselines(measure_baselines(splits)))


if __name__ == "__main__":
    sys.exit(app())
