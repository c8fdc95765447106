"""`clsight export`: pictures and numbers of a text, or of a whole data set, as files.

A sub-command for each kind of figure, those of other packages included, and three more.  The form
without a sub-command, `export TEXT --atlas`, is translated into them.
"""

import argparse
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from finetune.errors import number_of
from viz.cli.export_options import (
    ALL,
    ROWS,
    TEXT,
    Options,
    check_heeded,
    command,
    numbers,
    options_of,
)
from viz.cli.terminal import (
    exit_on_error,
    load_classifier,
    print_missing_fonts,
    print_notes,
    print_text,
    progress_bar,
    text_or_stdin,
)
from viz.cli.windows import read_text
from viz.errors import SelectionError
from viz.export.formats import FORMATS
from viz.figures.kinds import FIGURE_KINDS

OTHERS = ("bertviz", ALL, "dataset")


def export_figure(options: Options, *, figure: str) -> None:
    """Write one figure of a text, or all of them, and print where they are."""
    from viz.documents.document import Document
    from viz.export.atomic_files import write
    from viz.export.document_files import document_files
    from viz.jobs.progress import watched_by

    export = options.export(figure)
    classifier = load_classifier(options.checkpoint, options.without)
    source = read_text(classifier, text_or_stdin(options.text), options.pair, options.reading)
    if isinstance(source, Document):
        files = document_files(export, classifier, source, window=options.window)
        reading = source.pooled_reading
    else:
        _check_window(options)
        files, reading = export.files(classifier, source), source
    n_files = 1 if export.packed else len(export.formats)
    with progress_bar(n_files, "file") as bar, watched_by(bar.update):
        for index, (name, content) in enumerate(files, 1):
            path = write(options.output / name, content)
            bar.update(index - bar.n)
            bar.clear()
            print_text(str(path))
    print_notes(source if isinstance(source, Document) else source.encoding)
    if any(FORMATS[name].is_picture for name in export.formats):
        print_missing_fonts(reading)


def _check_window(options: Options) -> None:
    """Refuse any window but the first of a text that is read at once."""
    if options.window:
        raise SelectionError(
            f"Window {options.window} does not exist: the model reads this text at once; leave "
            "--window out."
        )


def export_bertviz(options: Options) -> None:
    """Write the page of BertViz's own view, and print where it is."""
    from viz.documents.document import Document
    from viz.documents.window_text import window_reading
    from viz.export.atomic_files import write
    from viz.export.bertviz.page import bertviz_html
    from viz.export.filenames import reading_name

    classifier = load_classifier(options.checkpoint, options.without)
    source = read_text(classifier, text_or_stdin(options.text), options.pair, options.reading)
    if not isinstance(source, Document):
        _check_window(options)
        reading = source
    elif options.window is None:
        raise SelectionError(
            f"BertViz shows the maps of one window of a text; name one of {len(source.windows):,} "
            "by --window, counted from 0."
        )
    else:
        reading = window_reading(classifier, source, options.window)
    layers, heads = numbers("--layers", options.layers), numbers("--heads", options.heads)
    page = bertviz_html(reading, view=options.view, layers=layers, heads=heads)
    chosen = {"layers": layers, "heads": heads}
    parts = [f"{name}-{'-'.join(map(str, some))}" for name, some in chosen.items() if some]
    name = reading_name(reading, "bertviz", options.view, *parts, extension="html")
    print_text(str(write(options.output / name, page)))
    print_notes(reading.encoding)


def export_rows(options: Options) -> None:
    """Write the files of every row that has none yet; a bar shows the time left."""
    from tqdm import tqdm

    from viz.export.dataset_export import DatasetExport
    from viz.export.index import ExportIndex
    from viz.model.row_windows import reading_note, require_single_texts
    from viz.model.text_files import Columns, open_texts

    check_heeded(options, options.figure)
    columns = Columns(options.text_column, options.pair_column, options.label_column)
    texts = open_texts(options.data, columns, options.limit)
    classifier = options.reading.of(load_classifier(options.checkpoint, options.without))
    if options.reading.requested:
        require_single_texts(texts.columns.pair)
    if note := reading_note(classifier, pairs=texts.columns.pair is not None):
        typer.echo(note, err=True)
    export = DatasetExport(
        classifier,
        texts,
        options.export(options.figure),
        options.output,
    )
    n_rows, n_waiting = len(texts.rows), len(export.waiting)
    if n_waiting < n_rows:
        typer.echo(f"{n_rows - n_waiting:,} of {n_rows:,} rows are already there.", err=True)
    n_noted = 0
    # A bar where somebody watches; none in a log file.
    for row in tqdm(export.run(), total=n_waiting, unit="row", leave=False, disable=None):
        n_noted += not row.files
    if n_noted:
        typer.echo(f"Without a file: {number_of(n_noted, 'row')}; the index says why.", err=True)
    print_text(str(options.output / ExportIndex.NAME))


class ExportGroup(TyperGroup):
    """A sub-command for each kind of figure there is, and a default for what names none."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The figures first, in the order in which they are offered."""
        return [*FIGURE_KINDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; that of a figure is made when it is asked for."""
        if cmd_name not in FIGURE_KINDS:
            return super().get_command(ctx, cmd_name)
        single = typer.Typer(add_completion=False)
        run = partial(export_figure, figure=cmd_name)
        names = (*TEXT, *options_of(cmd_name))
        single.command(cmd_name)(command(run, names, FIGURE_KINDS[cmd_name].help))
        return typer.main.get_command(single)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Translate what names no sub-command, unless a shell asks to complete it."""
        known = {*self.list_commands(ctx), "--help"}
        if args and not ctx.resilient_parsing and args[0] not in known:
            with exit_on_error():
                args = as_subcommand(args)
        return super().parse_args(ctx, args)


_flags = argparse.ArgumentParser("clsight export", add_help=False, allow_abbrev=False)
for _name in ("layer", "head", "attribution", "bertviz", "data"):
    _flags.add_argument(f"--{_name}")
for _name in ("arcs", "atlas", "zip"):
    _flags.add_argument(f"--{_name}", action="store_true")


def as_subcommand(args: list[str]) -> list[str]:
    """The sub-command that `TEXT [--layer L --head H | --atlas | --attribution METHOD]` means.

    Raises:
        SelectionError: where more than one figure is named.
    """
    end = args.index("--") if "--" in args else len(args)
    flags, rest = _flags.parse_known_args(args[:end])
    methods = [] if flags.attribution is None else ["--method", flags.attribution]
    views = [] if flags.bertviz is None else ["--view", flags.bertviz]
    options = [*methods, *views]
    for name in ("layer", "head"):
        if getattr(flags, name) is not None:
            options += [f"--{name}", getattr(flags, name)]
    named = [name for name in ("arcs", "atlas", "bertviz") if getattr(flags, name)]
    if flags.zip:
        named.append("zip")
    elif methods:
        named.append("attribution")
    if len(named) > 1:
        raise SelectionError(f"--{' and --'.join(named)} are different figures; ask for one.")
    figure = named[0] if named else "head" if flags.layer is None or flags.head else "layer"
    figure = ALL if figure == "zip" else figure
    source = [figure] if flags.data is None else ["dataset", flags.data, "--figure", figure]
    return [*source, *options, *rest, *args[end:]]


export = typer.Typer(
    cls=ExportGroup,
    no_args_is_help=True,
    help="Save what the classifier looks at, as pictures and numbers, and print where it went.\n\n"
    'Example: clsight export head "Oil prices rise" --output pictures --layer 3 --head 7\n\n'
    "Without a sub-command: export TEXT --output FOLDER, and --layer and --head, --arcs, --atlas, "
    "--attribution METHOD, --bertviz VIEW or --zip; with --data FILE for a data set.",
)
export.command("bertviz")(
    command(
        export_bertviz,
        (*TEXT, "view", "layers", "heads"),
        "BertViz's own view, as a page that needs no network.",
    )
)
export.command(ALL)(
    command(
        partial(export_figure, figure=ALL),
        (*TEXT, *options_of(ALL)),
        "Every figure in every format, in one ZIP.",
    )
)
export.command("dataset")(
    command(
        export_rows,
        ("data", "output", "checkpoint", "without", "figure", *options_of(ALL), *ROWS),
        "A figure, or all, of each row of a file; run again, it resumes where it stopped.",
    )
)
