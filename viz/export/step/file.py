"""One equation as a file, in any of the formats that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from viz.errors import SelectionError
from viz.export.filenames import reading_name
from viz.export.step.page import page
from viz.export.step.tex import tex
from viz.figures.citation import reading_citation
from viz.figures.file_formats import pdf_file, png_file, svg_file
from viz.figures.render_options import RenderOptions
from viz.figures.step import step_figure
from viz.mechanism.unfolding.description import cell_name, step_place
from viz.mechanism.unfolding.recomputation import difference_sentence
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfolding import Unfolding

STEP_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "png": "image/png",
        "svg": "image/svg+xml",
        "pdf": "application/pdf",
        "html": "text/html",
        "tex": "application/x-tex",
    }
)
"""The formats of an equation with their MIME types; `tex` is a LaTeX document."""


def export_step(
    unfolding: Unfolding, step: Step, format: str, options: RenderOptions | None = None
) -> bytes:
    """One equation as the content of a file.

    Args:
        unfolding: Whose reading the equation belongs to.
        step: Any equation of that pass: one of the steps, or what `unfolding.walk` leads to.
        format: A name in `STEP_FORMATS`.
        options: The resolution of a PNG, and the color map of what is never negative.

    Raises:
        SelectionError: for an unknown format.
    """
    check_step_format(format)
    about = StepText.of(unfolding, step)
    if format == "tex":
        return tex(step, title=about.title, place=about.place, caption=about.caption)
    if format == "html":
        return page(
            unfolding.reading, step, title=about.title, place=about.place, caption=about.caption
        )
    drawn = step_figure(
        unfolding,
        step,
        title=about.title,
        place=about.place,
        caption=about.caption,
        options=options or RenderOptions(),
    )
    write = {"png": png_file, "svg": svg_file, "pdf": pdf_file}[format]
    return write(drawn, title=f"{about.title}: {about.place}", description=about.caption)


def check_step_format(format: str) -> None:
    """Refuse a format that an equation doesn't have.

    Raises:
        SelectionError: which names those it has.
    """
    if format not in STEP_FORMATS:
        raise SelectionError(
            f"An equation can't be saved as {format!r}; its formats are {', '.join(STEP_FORMATS)}."
        )


def step_file_name(unfolding: Unfolding, step: Step, format: str) -> str:
    """A name such as `ag-news-minilm-L3-H7-q5-k3-score.png`, safe on every file system."""
    cell = f"L{unfolding.layer}-H{unfolding.head}-q{unfolding.query}-k{unfolding.key}"
    layer = () if step.layer in (None, unfolding.layer) else (f"of-L{step.layer}",)
    return reading_name(unfolding.reading, cell, step.name, *layer, extension=format)


@dataclass(frozen=True, slots=True)
class StepText:
    """The words around an equation, the same in every format."""

    title: str
    place: str
    caption: str

    @classmethod
    def of(cls, unfolding: Unfolding, step: Step) -> "StepText":
        """Those of a step."""
        place = step_place(unfolding, step)
        cited = reading_citation(
            unfolding.reading,
            f"{step.name}, {place}",
            settings=(
                f"unfolded from {cell_name(unfolding)} with weight {unfolding.weight:.6g}",
                difference_sentence(step),
            ),
        )
        title = step.name[:1].upper() + step.name[1:]
        return cls(title, place, cited.sentence())
