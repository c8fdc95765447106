"""What `export` was asked for; options that contradict each other are refused at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from viz.cli.terminal import check_method
from viz.errors import SelectionError

if TYPE_CHECKING:
    from viz.attention.views import Quadrant, Unit
    from viz.export.request import FigureRequest
    from viz.figures.render_options import RenderOptions
    from viz.figures.spec import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportArguments:
    """The options of `export`, checked as far as can be without a checkpoint."""

    text: str | None
    pair: str | None
    data: Path | None
    output: Path
    checkpoint: str | None
    layer: int | None
    head: int | None
    arcs: bool
    atlas: bool
    attribution: str | None
    bertviz: Literal["head", "model"] | None
    everything: bool
    target: str | None
    against: str
    unit: "Unit"
    special: bool
    measure: "Measure"
    quadrant: "Quadrant"
    format: tuple[str, ...]
    dpi: int
    colormap: str | None
    columns: tuple[str | None, str | None, str | None]
    """The columns of texts, second texts and true classes that were named."""
    limit: int | None

    def __post_init__(self) -> None:
        """Refuse the first contradiction."""
        for sentence in self._wrong():
            raise SelectionError(sentence)
        if self.attribution is not None:
            check_method(self.attribution)
        if self.colormap is not None:
            from viz.figures.color_scale import colormap_named

            colormap_named(self.colormap)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that are wanted, each once."""
        from viz.export.formats import FORMATS

        named = (part.strip() for given in self.format for part in given.split(","))
        default = tuple(FORMATS) if self.everything else ("png",)
        return tuple(dict.fromkeys(part for part in named if part)) or default

    @property
    def draws(self) -> bool:
        """Whether a picture is wanted in which a font may be missing."""
        return self.bertviz is None and not {"png", "svg", "pdf"}.isdisjoint(self.formats)

    @property
    def render_options(self) -> "RenderOptions":
        """How pictures are drawn."""
        from viz.figures.render_options import RenderOptions

        return RenderOptions(dpi=self.dpi, colormap=self.colormap or RenderOptions().colormap)

    @property
    def kinds(self) -> "tuple[str, ...]":
        """The pictures that are wanted."""
        if self.everything:
            kinds: tuple[str, ...] = ("attribution", "head", "arcs", "layer", "atlas")
            return kinds
        if self.attribution is not None:
            return ("attribution",)
        if self.atlas or self.arcs:
            return ("atlas" if self.atlas else "arcs",)
        return ("head" if self.layer is None or self.head is not None else "layer",)

    def request(self) -> "FigureRequest":
        """What is made of each text."""
        from viz.export.request import FigureRequest

        return FigureRequest(
            kinds=self.kinds,
            layer=self.layer,
            head=self.head,
            unit=self.unit,
            special=self.special,
            quadrant=self.quadrant,
            measure=self.measure,
            method=self.attribution,
            target=self.target,
            against=self.against,
        )

    def _wrong(self) -> Iterator[str]:
        yield from self._wrong_source()
        yield from self._wrong_picture()
        yield from self._wrong_files()
        if _is_file(self.output):
            yield f"{str(self.output)!r} is a file; --output names the folder for the files."

    def _wrong_source(self) -> Iterator[str]:
        if self.text is None and self.data is None:
            yield "There is nothing to read; give a text, or a file of texts with --data."
        if self.text is not None and self.data is not None:
            yield "A text and --data came; give one of them."
        if self.data is not None and self.pair is not None:
            yield "--pair goes with a text; name a column of second texts with --pair-column."
        if self.data is not None and self.bertviz is not None:
            yield "--bertviz is for one text, not for --data; choose another picture."
        if self.data is None and (any(self.columns) or self.limit is not None):
            yield "Columns and --limit are about the file of --data, which is missing."
        if self.limit is not None and self.limit < 1:
            yield f"--limit {self.limit} leaves no row; give 1 or more."

    def _wrong_picture(self) -> Iterator[str]:
        place = self.layer is not None or self.head is not None
        pictures = {
            "--layer": place and not (self.arcs or self.everything),
            "--arcs": self.arcs,
            "--atlas": self.atlas,
            "--attribution": self.attribution is not None and not self.everything,
            "--bertviz": self.bertviz is not None,
            "--zip": self.everything,
        }
        wanted = [name for name, given in pictures.items() if given]
        if len(wanted) > 1:
            yield f"{' and '.join(wanted)} are different pictures; ask for one."
        if self.head is not None and self.layer is None:
            yield "--head needs --layer, for every layer has heads of its own."

    def _wrong_files(self) -> Iterator[str]:
        from viz.export.formats import FORMATS
        from viz.figures.render_options import LEAST_DPI, MOST_DPI

        for name in self.formats:
            if name not in FORMATS:
                yield f"Format {name!r} is unknown; {', '.join(FORMATS)} is what can be written."
        if self.bertviz is not None and self.format and self.formats != ("html",):
            yield "--bertviz is a page: leave --format out, or give html."
        if self.kinds == ("attribution",) and self.colormap is not None:
            yield "--colormap is for attention; an attribution has its own."
        if self.kinds == ("attribution",) and self.measure == "contribution":
            yield "--contribution is for attention; an attribution has a method instead."
        if not LEAST_DPI <= self.dpi <= MOST_DPI:
            yield f"--dpi {self.dpi} can't be drawn; give {LEAST_DPI} to {MOST_DPI}."


def _is_file(path: Path) -> bool:
    """Whether there is something that is no folder."""
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # a name that is too long, or a folder that is not ours: writing says so
        return False
