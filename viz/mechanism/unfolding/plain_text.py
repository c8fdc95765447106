r"""Equations as one line of plain text, for a terminal: `s_5,3 = −12.300 / 5.6569 = −2.1744`."""

import re
from collections.abc import Callable, Iterator

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}_^]|\s+|[^\\{}_^\s]", re.DOTALL)
_SIGNS = {
    "cdot": " · ",
    "odot": " ⊙ ",
    "times": " × ",
    "ldots": "…",
    "infty": "∞",
    "neq": " ≠ ",
    "sum": "Σ",
    "top": "ᵀ",
    "quad": "   ",
    "backslash": "\\",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lceil": "⌈",
    "rceil": "⌉",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "pi": "π",
    "sigma": "σ",
    "tau": "τ",
    "Phi": "Φ",
    "Sigma": "Σ",
    **dict.fromkeys(("left", "right", "displaystyle"), ""),
}
_SPACES = {",": " ", ";": " ", ":": " ", "!": "", " ": " "}
_IGNORED = frozenset(("mathrm", "mathbf", "mathit", "mathcal", "operatorname"))
_ACCENTS = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304"}
"""Marks that stand above the letter before them."""
_PLACE = re.compile(r"\([\d,\s]*\)")
"""A superscript that names layer and head."""


def plain_text(latex: str) -> str:
    """LaTeX as it is written here, of terms and equations, without its commands."""
    tokens = _TOKEN.findall(latex.replace(r"{\cdot}10^", "e"))
    text = _Reader(tokens).until(None)
    return re.sub(r"\s+([,;)\]])", r"\1", re.sub(r"\s+", " ", text)).strip().replace("-", "−")


class _Reader:
    """Reads tokens of LaTeX one after the other."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens: Iterator[str] = iter(tokens)

    def until(self, end: str | None) -> str:
        """The text up to a token that ends it."""
        parts: list[str] = []
        for token in self.tokens:
            if token == end:
                break
            parts.append(self._read(token, "".join(parts)))
        return "".join(parts)

    def _read(self, token: str, before: str) -> str:
        if token == "{":
            return self.until("}")
        if token == "_":
            index = self._argument()
            # An index of numbers in parentheses is their dimensions.
            return f"[{index.replace(' ', '')}]" if before.endswith((")", "]")) else f"_{index}"
        if token == "^":
            power = self._argument()
            if _PLACE.fullmatch(power):
                return f"^{power.replace(' ', '')}"
            return power if power == "ᵀ" else f"^{_grouped(power)}"
        if token.startswith("\\"):
            return self._command(token[1:])
        return " " if token.isspace() else token

    def _command(self, name: str) -> str:
        forms: dict[str, Callable[[], str]] = {
            "dfrac": self._fraction,
            "frac": self._fraction,
            "sqrt": lambda: f"√{_grouped(self._argument())}",
            "text": self._text,
        }
        if name in forms:
            return forms[name]()
        if name in _IGNORED:
            return self._argument()
        if name in _ACCENTS:
            return self._argument() + _ACCENTS[name]
        if name in _SPACES:
            return _SPACES[name]
        if name == "|":
            return "‖"
        return _SIGNS.get(name, name)

    def _fraction(self) -> str:
        above, below = _grouped(self._argument()), _grouped(self._argument())
        return f"{above} / {below}"

    def _argument(self) -> str:
        for token in self.tokens:
            if not token.isspace():
                return self._read(token, "")
        return ""

    def _text(self) -> str:
        """A text, in which blanks and signs mean themselves."""
        next(self.tokens, None)
        parts = []
        for token in self.tokens:
            if token == "}":
                break
            parts.append(token[1:] if token.startswith("\\") else token)
        return "".join(parts)


def _grouped(text: str) -> str:
    """In parentheses where an operation stands in it."""
    bare = text.strip()
    depth, has_operation = 0, False
    for before, sign in zip(" " + bare, bare, strict=False):
        depth += (sign in "([") - (sign in ")]")
        has_operation |= depth == 0 and before == " " and sign in "+-−·⊙/" and bare[0] != sign
    return f"({bare})" if has_operation else bare
