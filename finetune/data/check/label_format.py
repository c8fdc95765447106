"""Labels as they are written: what can't be seen, what means missing, what is a number."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from finetune.data.check.findings import Finding, counted, listed
from finetune.data.check.invisible_characters import invisible_in
from finetune.data.check.missing_values import is_missing, is_written_by_programs

PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
FORMATTED_NUMBER = re.compile(
    r"[+-]?[$€£]?\s*(\d{1,3}([., '_\u00a0\u202f\u2009]\d{3})+|\d+)([.,]\d+)?\s*[%$€£]?"
)
"""A number with a decimal comma, marks between thousands, a per cent sign or a currency."""

CLASS_SEPARATOR = re.compile(r"\s*[,;|]\s*")


def format_findings(counts: Mapping[str, int]) -> Iterator[Finding]:
    """What is odd about how the classes of train are called; *counts* are their rows."""
    yield from _invisible(counts)
    yield from _missing(counts)
    yield from _numbers(list(counts))
    yield from _from_one(list(counts))
    yield from _several(counts)


def _invisible(counts: Mapping[str, int]) -> Iterator[Finding]:
    found = {name: count for name, count in counts.items() if invisible_in(name)}
    if found:
        marks = dict.fromkeys(mark for name in found for mark in invisible_in(name))
        named = [unicodedata.name(mark, f"U+{ord(mark):04X}") for mark in marks]
        yield Finding(
            severity="note",
            kind="invisible characters",
            sentence=f"Labels hold characters that can't be seen, {', '.join(named[:3])}:"
            f" {counted(found)}.",
            count=len(found),
        )


def _missing(counts: Mapping[str, int]) -> Iterator[Finding]:
    found = {name: count for name, count in counts.items() if is_missing(name)}
    if found:
        sure = any(map(is_written_by_programs, found))
        reads = "looks like a missing label" if len(found) == 1 else "look like missing labels"
        yield Finding(
            severity="warning" if sure else "note",
            kind="word for missing",
            sentence=f"{counted(found)}: {reads}, but {'is' if len(found) == 1 else 'are'} learned"
            f" as {'a class' if len(found) == 1 else 'classes'}; leave the label empty where there"
            " is none.",
            count=sum(found.values()),
        )


def _numbers(names: Sequence[str]) -> Iterator[Finding]:
    """Labels that are all numbers, but for how some are written or for words that mean none."""
    numbers = [name for name in names if not is_missing(name)]
    words = [name for name in names if is_missing(name)]
    odd = [name for name in numbers if not PLAIN_NUMBER.fullmatch(name)]
    if not all(map(FORMATTED_NUMBER.fullmatch, numbers)):
        return
    if odd:
        sentence = (
            f"Labels such as {listed(odd[:2])} look like numbers with a decimal comma or a sign,"
            " but are read as names of classes; to predict numbers, write them like 1234.5."
        )
    elif words and any("." in name for name in numbers):
        sentence = (
            f"All labels but {listed(words)} are numbers, so they are read as names of classes; to"
            " predict numbers, leave the label empty where there is none."
        )
    else:
        return
    yield Finding(
        severity="warning", kind="numbers as classes", sentence=sentence, count=len(numbers)
    )


def _from_one(names: Sequence[str]) -> Iterator[Finding]:
    if names != [str(i + 1) for i in range(len(names))] or len(names) < 2:
        return
    yield Finding(
        severity="note",
        kind="numbers from one",
        sentence=f"The classes are numbers counted from 1, '1' to '{len(names)}', and keep them as"
        " names; where a list of names goes with them, its first name is that of 1, not of 0.",
        count=len(names),
    )


def _several(counts: Mapping[str, int]) -> Iterator[Finding]:
    """Labels all of whose parts are found in others: 'a|b' beside 'b|c', 'c' and 'a'."""
    parts = {name: set(CLASS_SEPARATOR.split(name)) for name in counts}
    holding = Counter(part for own in parts.values() for part in own)
    alone = {
        name: counts[name]
        for name, own in parts.items()
        if len(own) > 1 and all(part and holding[part] > 1 for part in own)
    }
    if alone and not all(map(FORMATTED_NUMBER.fullmatch, alone)):
        yield Finding(
            severity="warning",
            kind="several classes in one label",
            sentence=f"{counted(alone)}: each is read as one class, though its parts are found in"
            " other labels; write lists of classes in JSON Lines where a text has several.",
            count=sum(alone.values()),
        )
