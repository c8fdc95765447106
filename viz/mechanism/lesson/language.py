"""The words of the lesson in one language, from one file, and how numbers are written in them."""

import string
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from viz.attribution.descriptions import decimals, percent, true_minus
from viz.errors import SelectionError
from viz.mechanism.lesson.claim import Claim, Value
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import Picture

TEXTS = Path(__file__).parent / "texts"
LANGUAGES = ("en", "zh")
"""The languages of the lesson; each has one file."""
TRANSLATED = ("deciding", "outcome", "unit")
"""Placeholders that are filled by words of the language, from the table of their name."""

Escape = Callable[[str], str]
"""Makes a word of the text, or of the checkpoint, safe for where it will stand."""


@dataclass(frozen=True, slots=True)
class ClaimTexts:
    """A claim in words."""

    verdict: str
    """Whether it holds, in a word or two."""
    statement: str
    """What is claimed."""
    numbers: str
    """The numbers that decide it, or why it can't be computed."""


@dataclass(frozen=True, eq=False, slots=True)
class Language:
    """All sentences of the lesson in one language.

    Args:
        texts: The file's content.
        escape: What is done to words of the text before they are put into a sentence.
    """

    texts: Mapping[str, Any]
    escape: Escape

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return str(self.texts["name"])

    def control(self, key: str, /, **values: Value) -> str:
        """What stands on a control or beside it."""
        return self._fill(self.texts["controls"][key], values)

    def term(self, name: str) -> str:
        """The name of a term of the pass; the name itself where the language has none for it."""
        return str(self.texts["terms"].get(name, name))

    def title(self, key: str) -> str:
        """The title of a step."""
        return str(self.texts["steps"][key]["title"])

    def sentences(self, step: LessonStep) -> tuple[str, ...]:
        """What a step says."""
        texts = self.texts["steps"][step.key]["sentences"]
        chosen = [texts[key] for key in step.sentences]
        if step.missing:
            chosen.append(self.texts["reasons"][step.missing])
        return tuple(self._fill(text, step.values) for text in chosen)

    def caption(self, step: LessonStep, picture: Picture) -> str:
        """What stands above a picture of a step."""
        shown = next((claim.values for claim in step.claims if claim.key == picture.claim), {})
        text = self.texts["steps"][step.key]["pictures"][picture.key]
        return self._fill(text, {**step.values, **shown})

    def claim(self, claim: Claim) -> ClaimTexts:
        """A claim, its verdict and its numbers."""
        texts = self.texts["claims"][claim.key]
        verdict = "unknown" if claim.holds is None else "holds" if claim.holds else "fails"
        numbers = self.texts["reasons"][claim.reason] if claim.reason else texts[verdict]
        return ClaimTexts(
            str(self.texts["verdicts"][verdict]),
            self._fill(texts["statement"], claim.values),
            self._fill(numbers, claim.values),
        )

    def _fill(self, text: str, values: Mapping[str, Value]) -> str:
        translated = {
            name: self.texts[name].get(value, value) if name in TRANSLATED else value
            for name, value in values.items()
        }
        return _NumberFormatter(self.escape).vformat(text, (), translated)


class _NumberFormatter(string.Formatter):
    """Writes numbers alike in all languages, and escapes words."""

    def __init__(self, escape: Escape) -> None:
        self.escape = escape

    def format_field(self, value: Any, format_spec: str) -> str:
        """A word escaped, a whole number in groups of three, any other number in three digits.

        `%` writes a share as a percentage, `+` a number with its sign, `g` one without zeros at its
        end.
        """
        if isinstance(value, str):
            return self.escape(value)
        if isinstance(value, int):
            return true_minus(f"{value:,}")
        if format_spec == "%":
            return percent(value).replace(".0%", "%")
        if format_spec == "g":
            return true_minus(f"{value:.3g}")
        digits = decimals(abs(value), least=2)
        return true_minus(f"{value:{format_spec},.{digits}f}")


def placeholders(text: str) -> frozenset[tuple[str, str]]:
    """The placeholders of a sentence, each with how its number is written."""
    parsed = string.Formatter().parse(text)
    return frozenset((name, spec or "") for _, name, spec, _ in parsed if name is not None)


def sentences_of(texts: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every sentence of a file with the keys that lead to it."""
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from sentences_of(value, *above, key)
        else:
            yield (*above, key), value


@cache
def _texts(code: str) -> Mapping[str, Any]:
    return tomllib.loads((TEXTS / f"{code}.toml").read_text("utf-8"))


def language(code: str, escape: Escape = str) -> Language:
    """A language by its code.

    Args:
        code: One of `LANGUAGES`.
        escape: What is done to words of the text before they are put into a sentence.

    Raises:
        SelectionError: for a language that the lesson does not have.
    """
    if code not in LANGUAGES:
        raise SelectionError(
            f"The lesson has no language {code!r}; its languages are {', '.join(LANGUAGES)}."
        )
    return Language(_texts(code), escape)
