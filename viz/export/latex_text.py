"""Texts of a reader's as LaTeX sets them outside of formulas."""

_ESCAPED = {character: f"\\{character}" for character in "$&#%_{}"} | {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"\textquotedbl{}",
}
_SIGNS = {
    "·": r"\textperiodcentered{}",
    "−": r"\textminus{}",
    "×": r"\texttimes{}",
    "…": r"\dots{}",
    "\u02c6": r"\textasciicircum{}",
    "\u02dc": r"\textasciitilde{}",
    "\u2018": "`",
    "\u2019": "'",
}


def tex_text(text: str) -> str:
    """A text in one line, with everything escaped that LaTeX would act on."""
    return "".join(_ESCAPED.get(character, character) for character in " ".join(text.split()))


def with_sign_commands(body: str) -> str:
    """The same with commands for signs that LaTeX has, whichever fonts are there."""
    return "".join(_SIGNS.get(character, character) for character in body)
