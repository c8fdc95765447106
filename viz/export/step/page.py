"""One equation as a page that needs no network, with the exact value of every number."""

from viz.export.html import standalone_page
from viz.export.page_content import PageContent
from viz.figures.formula import formula_outline
from viz.mechanism.unfolding.latex import equation_latex, number_sides
from viz.mechanism.unfolding.step import Step
from viz.types import Reading
from viz.widgets.terms.payload import TERMS, payload


def page(reading: Reading, step: Step, *, title: str, place: str, caption: str) -> bytes:
    """The page: formulas, then every term as a heat map that says what is under the pointer."""
    lines = (
        (equation_latex(step), 20.0),
        *((f"= {side}", 15.0) for side in number_sides(step)),
    )
    terms = (*step.operands, step.result)
    data = payload(
        reading,
        step,
        [formula_outline(latex, size) for latex, size in lines],
        [formula_outline(term.symbol, 15) for term in terms],
    )
    return standalone_page(
        PageContent(((TERMS, data),)),
        heading=title,
        detail=place,
        title=f"{title} · {reading.checkpoint}",
        notes=("Point at a cell for its exact value, or read them with the arrow keys.",),
        caption=caption,
    )
