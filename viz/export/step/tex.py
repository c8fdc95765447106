"""One equation as a LaTeX document that compiles as it is, and from which lines can be copied."""

from collections.abc import Sequence

from viz.export.latex_text import tex_text, with_sign_commands
from viz.mechanism.unfolding.description import dimensions
from viz.mechanism.unfolding.latex import equation_latex, number_sides
from viz.mechanism.unfolding.latex_values import values_latex
from viz.mechanism.unfolding.step import Step

_DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath,textcomp,iftex}
\usepackage[a4paper,landscape,margin=2cm]{geometry}
\pagestyle{empty}
% A character beyond ASCII: XeLaTeX and LuaLaTeX set it where their font has it, pdfLaTeX writes its
% number.
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \newcommand{\codepoint}[1]{U+#1}
\else
  \usepackage{fontspec}
  \newcommand{\codepoint}[1]{\char"#1\relax}
\fi
\begin{document}
\noindent
"""


def tex(step: Step, *, title: str, place: str, caption: str) -> bytes:
    """The document: symbols, numbers, result, a table of all terms, and the caption."""
    symbol = step.result.symbol
    right = equation_latex(step).removeprefix(symbol).lstrip()
    lines = [
        rf"\textbf{{{tex_text(title)}}}\quad {tex_text(place)}",
        r"\begin{align*}",
        " \\\\\n".join([f"{symbol} &{right}", *(f"&= {side}" for side in number_sides(step))]),
        r"\end{align*}",
        r"\begin{tabular}{@{}llll@{}}",
        *_rows(step),
        r"\end{tabular}",
        "",
        rf"\bigskip\noindent{{\small {tex_text(caption)}\par}}",
        r"\end{document}",
    ]
    return (_DOCUMENT + _portable("\n".join(lines)) + "\n").encode("ascii")


def _rows(step: Step) -> Sequence[str]:
    """Each term with its name, its dimensions, and its first and last numbers."""
    return [
        rf"${term.symbol}$ & {tex_text(term.name)} & {tex_text(dimensions(term) or 'number')} & "
        rf"${values_latex(term.values)}$ \\"
        for term in (*step.operands, step.result)
    ]


def _portable(body: str) -> str:
    """The same in ASCII: a few signs as commands, other characters by their numbers."""
    return "".join(
        character if character.isascii() else rf"\codepoint{{{ord(character):04X}}}"
        for character in with_sign_commands(body)
    )
