"""The formats that a figure can be saved in, and the one way to save it.

A record names the function that writes its format as `module:function`, to be imported when it is
first used.  A format of your own is one record handed to `register_format`, or named among the
entry points of an installed package: the page, the command line and archives then offer it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from viz.errors import SelectionError
from viz.figures.kinds import Reference, resolve
from viz.figures.render_options import RenderOptions
from viz.jobs.cancellation import check_cancelled
from viz.model.plugins import load_plugins

if TYPE_CHECKING:  # so that the command line knows all formats without numpy
    from viz.figures.spec import FigureSpec

Writer = Callable[[BinaryIO], None]
"""Writes the content of a file piece by piece."""
Content = bytes | Writer
"""What a file holds, or what writes it where that is too large to hold."""

MAX_NUMBERS = 4_000_000
"""Numbers that a text file holds at most; a file of that many in JSON has about 85 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of file."""

    name: str
    """Also the ending of the file's name."""
    mime: str
    label: str
    """What it is, in a few words."""
    write: Reference
    """From a `FigureSpec` and `RenderOptions` to the content of the file."""
    stream: Reference | None = None
    """From the same to a `Writer` where the content is too large to hold, and to None where it is
    not; None where it never is."""
    is_picture: bool = False
    """Whether fonts of this machine are drawn in it, of which one may be missing."""
    is_table: bool = False
    has_dots: bool = False
    """Whether it has a resolution."""
    is_compressed: bool = False
    """Whether a ZIP stores it as it is."""
    limit: int | None = None
    """Numbers that it holds at most; None where any number of them fits."""
    long_limit: int | None = None
    """Numbers of a long text that it holds at most; None where `limit` says it."""

    def check_fits(self, n_numbers: int) -> None:
        """Refuse what would make a file that nobody can open.

        Raises:
            SelectionError: where there are too many numbers.
        """
        if self.limit is not None and n_numbers > self.limit:
            raise SelectionError(
                f"These are {n_numbers:,} numbers and {self.name.upper()} holds {self.limit:,} at "
                "most; choose a region of them, or NPZ, which holds them all."
            )

    def check_holds(self, spec: "FigureSpec", n_cells: int) -> None:
        """Refuse, before anything is drawn, a figure whose maps have *n_cells* numbers each.

        Raises:
            SelectionError: where this format can't hold them.
        """
        if not (self.is_table and spec.figure_kind.has_summary_table):
            self.check_fits(spec.n_maps * n_cells)

    def check_long(self, spec: "FigureSpec") -> None:
        """Refuse, before anything is computed, a figure that this format can't hold.

        Of a text whose weights are kept, nothing is refused here.

        Raises:
            LongTextError: where a long text has too many numbers.
            SelectionError: where its maps end before the region does.
        """
        kind, most = spec.figure_kind, self.long_limit or self.limit
        needs_no_view = (
            not kind.needs_maps,
            kind.pools and self.is_picture,
            kind.pools and self.name == "html" and spec.shows == "model",
            self.stream is not None and spec.shows == "map",
            self.is_table and kind.has_summary_table,
        )
        if not any(needs_no_view) and not spec.has_view(most):
            spec.view(most)  # says how many numbers there are


_formats: dict[str, Format] = {}
FORMATS: Mapping[str, Format] = MappingProxyType(_formats)
"""All formats by name, in the order in which they are offered."""


def register_format(format: Format) -> None:
    """Make a format known.

    Raises:
        SelectionError: where its name is taken.
    """
    if format.name in _formats:
        raise SelectionError(f"There is a format {format.name!r} already; choose another name.")
    _formats[format.name] = format


for _format in (
    Format(
        name="png",
        mime="image/png",
        label="a picture in pixels",
        write="viz.figures.file_formats:png",
        is_picture=True,
        has_dots=True,
        is_compressed=True,
    ),
    Format(
        name="svg",
        mime="image/svg+xml",
        label="a picture that can be scaled and edited",
        write="viz.figures.file_formats:svg",
        is_picture=True,
    ),
    Format(
        name="pdf",
        mime="application/pdf",
        label="a picture for print, its fonts inside",
        write="viz.figures.file_formats:pdf",
        is_picture=True,
        is_compressed=True,
    ),
    Format(
        name="html",
        mime="text/html",
        label="a page for any browser, no network needed",
        write="viz.export.html:html",
        long_limit=MAX_NUMBERS,
    ),
    Format(
        name="csv",
        mime="text/csv",
        label="a table for a spreadsheet or pandas",
        write="viz.export.data_formats:csv",
        is_table=True,
        limit=MAX_NUMBERS,
    ),
    Format(
        name="npz",
        mime="application/octet-stream",
        label="arrays for numpy.load",
        write="viz.export.data_formats:npz",
        stream="viz.export.data_formats:npz_writer",
        is_compressed=True,
    ),
    Format(
        name="json",
        mime="application/json",
        label="all numbers and settings, for `clsight replay`",
        write="viz.export.data_formats:json",
        limit=MAX_NUMBERS,
    ),
):
    register_format(_format)

load_plugins("clsight.formats", Format, register_format)


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        SelectionError: where there is none.
    """
    if name not in FORMATS:
        raise SelectionError(f"Format {name!r} is unknown; known are {', '.join(FORMATS)}.")
    return FORMATS[name]


def render(spec: "FigureSpec", format: str, options: RenderOptions | None = None) -> bytes:
    """A figure as the content of a file.

    Args:
        spec: What is shown.
        format: A name in `FORMATS`.
        options: How pictures are drawn.

    Raises:
        SelectionError: for an unknown format, or where there is too much for it to hold.
        LongTextError: where a long text has too many numbers for it.
    """
    write = resolve(format_named(format).write)
    check_cancelled()
    content: bytes = write(spec, options or RenderOptions())
    return content


def content_of(spec: "FigureSpec", format: str, options: RenderOptions | None = None) -> Content:
    """A figure as the content of a file, or as what writes it where it is too large to hold.

    Arguments and errors as for `render`; a writer may raise a LongTextError too.
    """
    stream = resolve(format_named(format).stream)
    writer: Writer | None = None if stream is None else stream(spec, options or RenderOptions())
    return render(spec, format, options) if writer is None else writer
