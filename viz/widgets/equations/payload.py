"""What the browser is sent of equations: formulas, and each term once, however often it is used."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from viz.colors import PALETTES, mix
from viz.mechanism.unfolding.description import token_labels
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.types import Reading
from viz.widgets.equations.term_picture import largest, picture
from viz.widgets.shared.array_codec import encode_array
from viz.widgets.shared.widget import Widget

N_COLORS = 255
"""Colors of the scale; odd, so that 0 is one of them."""
SCALED = ("score", "scaled query", "scaled key")
"""Results that are divided by the root of the size of a head."""
MAX_HEAD_SIZE = 4_096
MAX_USES = 12
"""Equations below the term that is followed, of those that use it."""
SOURCES = {
    "parameter": "a parameter: training set it, nothing in this pass computes it",
    "constant": "a constant of the architecture",
    "input": "an input: it comes from the text",
}
"""What a term is that no equation makes."""

HTML = """
<div class="root">
  <div class="walk" hidden></div>
  <div class="sections"></div>
  <div class="tip" data-testid="term-tip" hidden></div>
  <p class="live" aria-live="polite"></p>
</div>
"""

EQUATIONS = Widget("equations", "equations/equations", HTML)


@dataclass(frozen=True, slots=True)
class Equation:
    """A step as a card shows it."""

    step: Step
    formula: str
    """LaTeX, with symbols."""
    numbers: str = ""
    """LaTeX, with the numbers of the reading; empty where there is none to be shown."""
    difference: float | None = None
    """The largest one between what is recorded and what the operands give again; None where it was
    not computed."""


@dataclass(frozen=True, slots=True)
class Section:
    """Equations under one heading."""

    id: str
    title: str
    equations: Sequence[Equation] | None
    """None while it is closed: they are sent once it is opened."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What positions and classes are called."""

    tokens: tuple[str, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, reading: Reading) -> "Names":
        """Those of a reading."""
        return cls(token_labels(reading), reading.prediction.labels)

    def place(self, term: Term) -> str:
        """Where a term belongs: the token whose it is, its layer and its head."""
        parts = []
        if term.token is not None and 0 <= term.token < len(self.tokens):
            parts.append(f"{self.tokens[term.token]} ({term.token})")
        if term.layer is not None:
            parts.append(f"L{term.layer}" + ("" if term.head is None else f" · H{term.head}"))
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Walk:
    """A term that is followed."""

    term: Term
    equation: Equation | None
    """What makes it; None where nothing does."""
    uses: Sequence[Equation]
    trail: Sequence[Term]
    """The terms that led here, from the first one on."""


def story(sections: Sequence[Section], names: Names) -> dict[str, object]:
    """All equations from ids to class, under their headings.

    Args:
        sections: In the order in which they are computed.
        names: Of tokens and classes.
    """
    steps = [one.step for section in sections for one in section.equations or ()]
    return {
        "sections": [_section(section, names) for section in sections],
        "walk": None,
        **_terms(steps, names),
        **_names(names),
    }


def walk(followed: Walk, names: Names) -> dict[str, object]:
    """One term: what makes it, its values, what it makes.

    Args:
        followed: The term.
        names: Of tokens and classes.
    """
    term, equation = followed.term, followed.equation
    uses = followed.uses[:MAX_USES]
    sections = []
    if equation is not None:
        sections.append(_section(Section("made", "Where it comes from", [equation]), names))
    end = "" if equation is not None else SOURCES.get(term.source, "no equation makes it")
    used = {
        "id": "uses",
        "title": "What it makes",
        "note": "" if uses else "nothing on the way to the class",
        "open": True,
        "steps": [_card(use, names) | {"short": True} for use in uses],
        "more": max(0, len(followed.uses) - len(uses)),
    }
    steps = [] if equation is None else [equation.step]
    return {
        "sections": [*sections, used],
        "walk": {
            "term": term.id,
            "end": end,
            "trail": [
                {"id": one.id, "symbol": one.symbol, "name": one.name} for one in followed.trail
            ],
        },
        **_terms(steps, names, focused=term),
        **_names(names),
    }


def formulas(payload: dict[str, object]) -> tuple[str, ...]:
    """Every formula of a payload, each once, in LaTeX."""
    unique: dict[str, None] = {}

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                if name in ("formula", "numbers", "symbol") and isinstance(part, str) and part:
                    unique[part] = None
                else:
                    collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)

    collect(payload)
    return tuple(unique)


def _section(section: Section, names: Names) -> dict[str, object]:
    return {
        "id": section.id,
        "title": section.title,
        "note": section.note,
        "open": section.equations is not None,
        "steps": [_card(one, names) for one in section.equations or ()],
        "more": 0,
    }


def _card(equation: Equation, names: Names) -> dict[str, object]:
    step = equation.step
    return {
        "name": step.name,
        "place": names.place(step.result),
        "operation": step.operation.replace("_", " "),
        "formula": equation.formula,
        "numbers": equation.numbers,
        "difference": None if equation.difference is None else short(equation.difference),
        "result": step.result.id,
        "operands": [operand.id for operand in step.operands],
        "multiplied": _is_product_sum(step),
    }


def short(difference: float) -> str:
    """A difference in one digit, as in 3e-8."""
    mantissa, _, exponent = f"{difference:.0e}".partition("e")
    return "0" if difference == 0 else f"{mantissa}e{int(exponent)}"


def _is_product_sum(step: Step) -> bool:
    """Whether the result is one number, made of the products of two vectors."""
    if step.operation not in ("linear", "matmul", "mix") or step.result.values.size != 1:
        return False
    first, second = (operand.values for operand in step.operands[:2])
    return 1 < first.size == second.size


def _terms(steps: Iterable[Step], names: Names, focused: Term | None = None) -> dict[str, object]:
    """All terms of some equations, and their values in one array."""
    terms: dict[str, Term] = {}
    roots: dict[str, str] = {}
    for step in steps:
        for term in (step.result, *step.operands):
            terms.setdefault(term.id, term)
            if step.name in SCALED and term.source == "constant":
                roots[term.id] = _root(float(term.values.flat[0])) or term.name
    if focused is not None:
        terms[focused.id] = focused
    described, arrays, offset = {}, [], 0
    for term in terms.values():
        drawn = picture(term.values, focused=term is focused)
        described[term.id] = {
            "name": roots.get(term.id, term.name),
            "symbol": term.symbol,
            "place": names.place(term),
            "source": term.source,
            "shape": list(term.shape),
            "axes": list(term.axes),
            "rows": drawn.rows,
            "columns": drawn.columns,
            "drawn": list(drawn.values.shape),
            "block": list(drawn.block),
            "largest": largest(drawn.values),
            "offset": offset,
        }
        arrays.append(drawn.values.ravel())
        offset += drawn.values.size
    values = np.concatenate(arrays) if arrays else np.zeros(0, np.float32)
    return {"terms": described, "values": encode_array(values)}


def _root(value: float) -> str:
    """What a score is divided by, or multiplied with: the root of the size of a head."""
    for name, square in (("√{}", value**2), ("1/√{}", value**-2 if value else 0)):
        if 1 < round(square) < MAX_HEAD_SIZE and math.isclose(square, round(square), rel_tol=1e-5):
            return name.format(round(square))
    return ""


def _names(names: Names) -> dict[str, object]:
    return {
        "tokens": list(names.tokens),
        "classes": list(names.classes),
        "themes": {
            theme: [mix(palette.diverging, index / (N_COLORS - 1)) for index in range(N_COLORS)]
            for theme, palette in PALETTES.items()
        },
    }
