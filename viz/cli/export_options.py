"""The options of `export`, each written once, and the commands that are made of them."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from viz.cli.terminal import (
    DATA_HELP,
    METHOD_HELP,
    TEXT_ARGUMENT,
    AgainstOption,
    CheckpointOption,
    LabelColumnOption,
    LimitOption,
    PairColumnOption,
    PairOption,
    TargetOption,
    TextColumnOption,
    WithoutOption,
    check_limit,
    check_method,
    exit_on_error,
)
from viz.cli.windows import (
    WindowOptions,
    WindowPoolingOption,
    WindowsOption,
    WindowStrideOption,
)
from viz.errors import SelectionError
from viz.export.formats import FORMATS, format_named
from viz.figures.kinds import FIGURE_KINDS, figure_named

if TYPE_CHECKING:  # at run time it is imported where used, so that --help is quick
    from viz.export.options import ExportOptions

SHOWN, FILES, DATA = "What it shows", "Files", "The data set"
ALL = "all"
"""In place of a figure: every one, in one ZIP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a command can be told; each of them takes some.

    Raises:
        SelectionError: for what is wrong whatever the checkpoint is.
    """

    text: Annotated[str, TEXT_ARGUMENT] = ""
    data: Annotated[Path, typer.Argument(help=DATA_HELP)] = Path()
    output: Annotated[Path, typer.Option(help="Folder for the files; created if missing.")]
    pair: PairOption = None
    checkpoint: CheckpointOption = None
    without: WithoutOption = None
    figure: Annotated[
        str, typer.Option(help=f"{', '.join(FIGURE_KINDS)}; or {ALL}: a ZIP of every one.")
    ] = "head"
    layer: Annotated[
        int | None,
        typer.Option(
            help="Layer, counted from 0; by default the last one.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    head: Annotated[
        int | None,
        typer.Option(
            help="Head of that layer, counted from 0; by default their mean.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    method: Annotated[
        str | None,
        typer.Option(help=METHOD_HELP, show_default=False, rich_help_panel=SHOWN),
    ] = None
    view: Annotated[
        Literal["head", "model"],
        typer.Option(help="All heads of one layer, or all of the model.", rich_help_panel=SHOWN),
    ] = "head"
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="L,L",
            help="Only these layers, counted from 0, such as 0,1,2.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    heads: Annotated[
        str | None,
        typer.Option(
            metavar="H,H",
            help="Only these heads; in the head view, which draws all, those shown at first.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    target: TargetOption = None
    against: AgainstOption = "runner-up"
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="START:END",
            help="Only these rows of the maps, counted from 0, such as 100:200.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="START:END",
            help="Only these columns.",
            show_default=False,
            rich_help_panel=SHOWN,
        ),
    ] = None
    unit: Annotated[
        Literal["word", "wordpiece"],
        typer.Option(help="What a row stands for.", rich_help_panel=SHOWN),
    ] = "word"
    special: Annotated[
        bool,
        typer.Option(help="Whether special tokens have rows and columns.", rich_help_panel=SHOWN),
    ] = True
    measure: Annotated[
        Literal["weights", "contribution"],
        typer.Option(
            help="weights: where heads look. contribution: what each look adds to the class or "
            "score, with a sign.",
            rich_help_panel=SHOWN,
        ),
    ] = "weights"
    contribution: Annotated[
        bool,
        typer.Option(
            "--contribution", help="Short for --measure contribution.", rich_help_panel=SHOWN
        ),
    ] = False
    quadrant: Annotated[
        Literal["all", "A-A", "A-B", "B-A", "B-B"],
        typer.Option(help="Of a pair: only how one text looks at one.", rich_help_panel=SHOWN),
    ] = "all"
    format: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(FORMATS)}; several with commas. By default png; of a ZIP, all.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    dpi: Annotated[
        int, typer.Option(help="Dots per inch of a PNG; 300 for print.", rich_help_panel=FILES)
    ] = 150
    colormap: Annotated[
        str | None,
        typer.Option(
            help="A color map of matplotlib, for attention; Blues by default.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None
    text_column: TextColumnOption = None
    pair_column: PairColumnOption = None
    label_column: LabelColumnOption = None
    limit: LimitOption = None
    windows: WindowsOption = None
    window_stride: WindowStrideOption = None
    window_pooling: WindowPoolingOption = None

    window: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="I",
            help="Of a text that is read in windows only this one, counted from 0.",
            show_default=False,
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what no checkpoint can make good."""
        if self.head is not None and self.layer is None:
            raise SelectionError("--head needs --layer, for every layer has heads of its own.")
        if self.figure != ALL:
            figure_named(self.figure)
        if _is_file(self.output):
            raise SelectionError(
                f"{str(self.output)!r} is a file; --output names the folder for the files."
            )
        if self.rows is not None or self.columns is not None:
            from viz.attention.region import Region

            Region.parse(self.rows, self.columns)
        check_limit(self.limit)
        self.reading  # noqa: B018 - refuses options that contradict each other
        if self.windows is False and self.window is not None:
            raise SelectionError("--window names one of several windows; leave --no-windows out.")
        if self.method is not None:
            check_method(self.method)
        if self.colormap is not None:
            from viz.figures.color_scale import colormap_named

            colormap_named(self.colormap)

    @property
    def reading(self) -> WindowOptions:
        """How texts that are too long are read."""
        windows = True if self.windows is None and self.window is not None else self.windows
        return WindowOptions(windows, self.window_stride, self.window_pooling)

    def export(self, figure: str) -> "ExportOptions":
        """What is made of each reading, of one figure or of all.

        Raises:
            SelectionError: for a format that does not exist.
        """
        from viz.attention.region import Region
        from viz.export.options import ExportOptions
        from viz.export.request import FigureRequest
        from viz.figures.render_options import RenderOptions

        names = (part.strip() for given in self.format or () for part in given.split(","))
        formats = dict.fromkeys(format_named(name).name for name in names if name)
        return ExportOptions(
            request=FigureRequest(
                kinds=tuple(FIGURE_KINDS) if figure == ALL else (figure,),
                layer=self.layer,
                head=self.head,
                unit=self.unit,
                special=self.special,
                quadrant=self.quadrant,
                region=Region.parse(self.rows, self.columns),
                measure="contribution" if self.contribution else self.measure,
                method=self.method,
                target=self.target,
                against=self.against,
            ),
            formats=tuple(formats or (FORMATS if figure == ALL else ("png",))),
            render_options=RenderOptions(
                dpi=self.dpi, colormap=self.colormap or RenderOptions().colormap
            ),
            packed=figure == ALL,
        )


WINDOWS = ("windows", "window_stride", "window_pooling")
TEXT = ("text", "output", "pair", "checkpoint", "without", *WINDOWS, "window")
EXPLAINED = ("target", "against")
DRAWN = ("unit", "format", "dpi")
MAPS = ("special", "measure", "contribution", "quadrant", "colormap")
ROWS = ("text_column", "pair_column", "label_column", "limit", *WINDOWS)
REQUIRED = ("text", "data", "output")


def options_of(figure: str) -> tuple[str, ...]:
    """The options that a figure heeds, or all figures do, beside the text and the files."""
    if figure == ALL:
        return ("layer", "head", "method", *EXPLAINED, *DRAWN, *MAPS)
    takes = FIGURE_KINDS[figure].takes
    region = ("rows", "columns") if "region" in takes else ()
    place = (*(name for name in ("layer", "head") if name in takes), *region)
    shown = ("method",) if "attribution" in takes else MAPS
    return (*place, *shown, *EXPLAINED, *DRAWN)


def command(run: Callable[[Options], None], names: Collection[str], help: str) -> Any:
    """A command for typer, which reads its options from the signature of a function."""

    def function(**values: Any) -> None:
        with exit_on_error():
            run(Options(**values))

    function.__doc__ = help
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=field.type,
                default=inspect.Parameter.empty if field.name in REQUIRED else field.default,
            )
            for field in fields(Options)
            if field.name in names
        ]
    )
    return function


def check_heeded(options: Options, figure: str) -> None:
    """Refuse an option that was given and that the figure would not heed.

    Raises:
        SelectionError: for the first of them.
    """
    ignored = {"layer", "head", "method", *MAPS} - {*options_of(figure)}
    for field in fields(Options):
        if field.name in ignored and getattr(options, field.name) != field.default:
            raise SelectionError(
                f"--{field.name} is not an option of the figure {figure}; leave it out."
            )


def numbers(option: str, given: str | None) -> tuple[int, ...] | None:
    """Numbers with commas between them; None where none were given.

    Raises:
        SelectionError: for what isn't a number.
    """
    if given is None:
        return None
    try:
        return tuple(int(part) for part in given.split(","))
    except ValueError:
        raise SelectionError(
            f"{option} is {given!r}; write numbers with commas between them, such as 0,1,2."
        ) from None


def _is_file(path: Path) -> bool:
    """Whether there is something that is not a folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # a name that is too long, or a folder that is not ours: writing says so
        return False
