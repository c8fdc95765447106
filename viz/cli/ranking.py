"""What `clsight train` does last: it ranks the methods for the checkpoint that it has left.

The checkpoint is whole by then.  Whatever happens here, it stays as it is, and so does the success
of the training; the ranking is written at its end, or not at all.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finetune.checkpoint.run_files import NOT_RANKED, RANKING
from finetune.errors import DataError, FinetuneError, number_of
from viz.cli.processes import n_cores
from viz.cli.score_file import MAX_DEFAULT_PROCESSES
from viz.cli.terminal import load_classifier
from viz.errors import VizError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from finetune.run.config import TrainConfig
    from finetune.run.record import RunRecord
    from viz.faithfulness.record import FaithfulnessRecord

LATER = "clsight score ranks them later"


def rank_after_training(config: "TrainConfig", run: "RunRecord") -> None:
    """Rank the quick methods on validation rows, and leave faithfulness.json with the weights.

    Args:
        config: The run, which has just ended well.
        run: Its record.
    """
    from viz.faithfulness.record import FILE

    target = config.output.expanduser().resolve() / FILE
    if not config.ranking or target.exists():
        return
    try:
        record = _rank(config, run, target.parent)
        _write(target, record)
    except KeyboardInterrupt:
        typer.echo(f"The ranking was stopped; the checkpoint is whole, and {LATER}.", err=True)
    except (VizError, FinetuneError) as error:
        typer.echo(f"{NOT_RANKED}{str(error).rstrip('.')}; {LATER}.", err=True)
    except Exception as error:  # no fault of the ranking may look like one of the training
        kind = type(error).__name__
        typer.echo(f"{NOT_RANKED}it failed with {kind}; {LATER}.", err=True)
    else:
        typer.echo(_sentence(record))


def _rank(config: "TrainConfig", run: "RunRecord", folder: Path) -> "FaithfulnessRecord":
    import warnings

    from tqdm import tqdm

    from finetune.data.splits import load_splits
    from viz.faithfulness.ranking import MAX_SECONDS, rank_methods, sampled, texts_of
    from viz.jobs.threads import single_thread
    from viz.model.text_files import Columns

    rows = load_splits(config, seed=config.cut_seed).validation
    if rows.fingerprint() != run.splits["validation"].fingerprint:
        raise DataError(f"the validation rows of {run.data_name} are not those of the run any more")
    columns = Columns(config.text_column, config.pair_column, config.label_column)
    name = f"validation rows of {run.data_name}"
    texts = texts_of(name, rows.fingerprint(), rows.inputs(), columns)
    texts = sampled(texts, config.cut_seed)
    typer.echo(
        f"{RANKING}on up to {len(texts.rows)} validation rows, for at most "
        f"{MAX_SECONDS / 60:.0f} minutes; Ctrl-C ends this alone."
    )
    load = partial(load_classifier, str(folder))
    with warnings.catch_warnings(), single_thread():
        warnings.simplefilter("ignore")  # of libraries, which a user can't mend
        classifier = load()
        cores = min(n_cores(), MAX_DEFAULT_PROCESSES)
        n_processes = cores if classifier.device.type == "cpu" else 1
        with tqdm(total=len(texts.rows), unit="text", leave=False, disable=None) as bar:
            return rank_methods(classifier, texts, load, n_processes, on_row=bar.update)


def _write(target: Path, record: "FaithfulnessRecord") -> None:
    """Put the record beside its weights; a folder that was deleted since is not made again."""
    from finetune.run.atomic_files import write_atomically
    from viz.faithfulness.record import content_of

    write_atomically(target, content_of(record))


def _sentence(record: "FaithfulnessRecord") -> str:
    from viz.faithfulness.record import FILE

    best = record.best_method()
    if best is None:
        rows = number_of(record.n_texts, "row")
        return f"No method could be told from another on {rows}; see {FILE}."
    (method,) = (each for each in record.methods if each.method == best)
    share = record.mean_share(method) or 0.0
    return (
        f"Most faithful of {len(record.methods)} quick methods on {record.n_texts} validation "
        f"rows: {method.label}, {share:.0%} of the way from random orders to the best one; the "
        f"Read page begins with it ({FILE})."
    )
