"""A comparison as files of all formats: pictures, a page, a table, arrays and JSON."""

from collections.abc import Iterator, Sequence

from viz.comparison.readings import ReadingComparison
from viz.comparison.shared_classes import share_classes
from viz.errors import SelectionError
from viz.export.comparison_numbers import comparison_arrays, comparison_rows
from viz.export.comparison_record import spec_values
from viz.export.data_formats import csv_file, json_text, npz_file
from viz.export.filenames import against_part, method_parts, reading_name
from viz.export.formats import format_named
from viz.export.html import standalone_page
from viz.export.page_content import PageContent
from viz.figures.color_scale import colormap_named
from viz.figures.comparison_kinds import COMPARISON_KINDS, ComparisonSpec
from viz.figures.file_formats import pdf_file, png_file, svg_file
from viz.figures.kinds import resolve
from viz.figures.render_options import RenderOptions

PICTURES = {"png": png_file, "svg": svg_file, "pdf": pdf_file}
FORMATS = (*PICTURES, "html", "csv", "npz", "json")
"""The formats that hold a comparison."""


def comparison_file(
    spec: ComparisonSpec, format: str, options: RenderOptions | None = None
) -> bytes:
    """A figure of a comparison as the content of a file.

    Args:
        spec: What is shown.
        format: A name in `FORMATS`.
        options: How pictures are drawn.

    Raises:
        SelectionError: for another format, or where there is too much for it to hold.
    """
    if format not in FORMATS:
        format_named(format)  # says so where there is none
        raise SelectionError(
            f"A comparison can't be saved as {format}; choose one of {', '.join(FORMATS)}."
        )
    chosen = options or RenderOptions()
    if format in PICTURES:
        colormap_named(chosen.colormap)
        drawn = resolve(spec.figure_kind.draw)(spec, chosen)
        return PICTURES[format](drawn, title=spec.title, description=spec.citation())
    if format == "html":
        return _html(spec)
    if format == "csv":
        return csv_file(comparison_rows(spec))
    if format == "npz":
        return npz_file(comparison_arrays(spec))
    return json_text(spec_values(spec)).encode()


def comparison_file_name(spec: ComparisonSpec, extension: str) -> str:
    """A name such as `ag-news-minilm-compare-difference-L3-H7.png`."""
    parts = (*spec.name_parts, *(_scored_by(spec.comparison) if spec.kind == "words" else ()))
    return reading_name(spec.comparison.first, *parts, extension=extension)


def comparison_files(
    specs: Sequence[ComparisonSpec], formats: Sequence[str], options: RenderOptions | None = None
) -> Iterator[tuple[str, bytes]]:
    """The name and content of each file."""
    for spec in specs:
        for format in formats:
            yield comparison_file_name(spec, format), comparison_file(spec, format, options)


def _scored_by(compared: ReadingComparison) -> Iterator[str]:
    """The method by which words were scored, and the classes where they are not the usual ones."""
    if compared.words is None:
        return
    scored = compared.words.first
    yield from method_parts(scored)
    usual = share_classes(compared.first.prediction, compared.second.prediction)
    against = None if usual.against is None else usual.against[0]
    if (scored.target_class, scored.against_class) != (usual.target[0], against):
        yield f"class-{scored.target_class}"
        yield against_part(scored.against_class)


def _html(spec: ComparisonSpec) -> bytes:
    content: PageContent = resolve(spec.figure_kind.page)(spec)
    compared = spec.comparison
    names = dict.fromkeys((compared.first.checkpoint, compared.second.checkpoint))
    texts = dict.fromkeys((compared.first.encoding.text, compared.second.encoding.text))
    notes = (*compared.first.encoding.notes, *compared.second.encoding.notes)
    return standalone_page(
        content,
        heading=spec.title,
        detail=COMPARISON_KINDS[spec.kind].label,
        title=f"{spec.title} · {' · '.join(names)}",
        notes=(*(f"“{text}”" for text in texts), *dict.fromkeys(notes)),
        caption=spec.citation(),
    )
