"""The export of a data set: a bar with the time left, then where its index is."""

import typer
from tqdm import tqdm

from viz.cli.asked import ExportArguments
from viz.cli.terminal import load, say
from viz.export.dataset_export import DatasetExport, ExportOptions
from viz.export.index import ExportIndex
from viz.model.text_files import Columns, open_texts


def export_dataset(asked: ExportArguments) -> None:
    """Make the files of every row that has none yet."""
    assert asked.data is not None  # what brought us here
    texts = open_texts(asked.data, Columns(*asked.columns), asked.limit)
    options = ExportOptions(
        request=asked.request(),
        formats=asked.formats,
        render_options=asked.render_options,
        packed=asked.everything,
    )
    dataset_export = DatasetExport(load(asked.checkpoint), texts, options, asked.output)
    n_rows, n_waiting = len(texts.rows), len(dataset_export.waiting)
    if n_waiting < n_rows:
        typer.echo(f"{n_rows - n_waiting:,} of {n_rows:,} rows are there already.", err=True)
    noted = 0
    # A bar where somebody watches; none in a log file.
    for line in tqdm(dataset_export.run(), total=n_waiting, unit="row", leave=False, disable=None):
        noted += not line.files
    if noted:
        typer.echo(f"{noted:,} rows have no file; the index says why.", err=True)
    say(str(asked.output / ExportIndex.NAME))
