"""Typos: a rare label that is one slip away from a frequent one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from finetune.data.check.findings import Finding, common_prefix_length
from finetune.data.check.invisible_characters import quoted

MIN_NAME_CHARS = 4
"""Characters that a name has at least where one typo is looked for: 'he' and 'she' are no typo."""

MAX_NAME_CHARS = 60
"""Characters that it has at most: a longer one is hardly typed, and more likely a text."""

MAX_SHARE = 0.1
"""Share of the rows of its twin that a name has at most to be a typo of it."""

MAX_TYPOS = 20
"""Typos told one by one; with so many, the others are known to be there."""


def typo_findings(counts: Mapping[str, int], fold: Callable[[str], str]) -> Iterator[Finding]:
    """Labels that may be typos of others; *fold* takes from a name what is not a typo."""
    found = _typo_pairs(counts, {name: fold(name) for name in counts})
    for rare, common in islice(found, MAX_TYPOS):
        yield Finding(
            severity="warning",
            kind="label typo",
            sentence=f"The label {quoted(rare)} (rows: {counts[rare]:,}) may be a typo of"
            f" {quoted(common)} ({counts[common]:,}).",
            count=counts[rare],
        )


def is_one_typo(first: str, second: str) -> bool:
    """Whether one character is wrong, missing, too many, or has changed places with the next.

    A digit never counts as a typo: 'level 1' and 'level 2' are meant.
    """
    start = common_prefix_length(first, second)
    end = common_prefix_length(first[start:][::-1], second[start:][::-1])
    odd, other = first[start : len(first) - end], second[start : len(second) - end]
    if not odd + other or any(map(str.isdigit, odd + other)):
        return False
    return max(len(odd), len(other)) == 1 or (len(odd) == 2 and odd == other[::-1])


def _typo_pairs(counts: Mapping[str, int], folded: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Rare and frequent names one typo apart.

    Two such names are alike once a character is left out of either, so only names that share such
    a rest are compared: of thousands of classes few do.
    """
    names = [name for name, text in folded.items() if MIN_NAME_CHARS <= len(text) <= MAX_NAME_CHARS]
    most = max((counts[name] for name in names), default=0) * MAX_SHARE
    rare = [name for name in names if counts[name] <= most]
    if most < 1 or not rare:
        return  # all labels are rare, as numbers of rows are
    by_rest: dict[str, list[str]] = defaultdict(list)
    for name in rare:
        for rest in _deletions(folded[name]):
            by_rest[rest].append(name)
    for common in names:
        near = {name for rest in _deletions(folded[common]) for name in by_rest.get(rest, ())}
        for name in sorted(near):
            few = counts[name] <= MAX_SHARE * counts[common]
            if few and is_one_typo(folded[name], folded[common]):
                yield name, common


def _deletions(text: str) -> set[str]:
    """*text*, and all that is left of it without one character."""
    return {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}
