"""Labels: names that mean one class but aren't written as one, and classes nobody learns."""

import difflib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from finetune.check.findings import Finding, common_start, counted, listed
from finetune.dataset.rows import Rows

SHORTEST = 4
"""Characters that a name has at least where one typo is looked for: 'he' and 'she' are no typo."""

RARE = 0.1
"""Share of the rows of its twin that a name has at most to be a typo of it."""


def label_findings(train: Rows, spellings: Mapping[str, Counter[str]]) -> Iterator[Finding]:
    """Classes of *train* that look like one; *spellings* are the labels of each split as written.

    The names in `spellings` still have the blanks around them that reading takes away.
    """
    counts = train.counts(train.names)
    used = {name: count for name, count in counts.items() if count}
    if len(used) < (1 if train.multi_label else 2):
        yield _too_few(train, used)
    yield from _same_names(used)
    yield from _typos(used)
    yield from _read_as_one(train.names, spellings)


def unknown_classes(role: str, rows: Rows, unknown: Iterable[str], known: Rows) -> Finding:
    """The classes of a held-out split that train lacks; a like name is offered."""
    lacking = rows.counts(unknown)
    near = [
        f"{name!r} is close to {match!r}"
        for name in lacking
        for match in difflib.get_close_matches(name, known.names, n=1, cutoff=0.8)
    ]
    hint = f" ({'; '.join(near[:2])})" if near else ""
    return Finding(
        severity="stop",
        kind="class unknown to train",
        sentence=f"Train has no row of {listed(list(lacking))}, a class of {role}{hint}; write it"
        " as in train, or add such rows to train.",
        count=sum(lacking.values()),
    )


def no_row() -> Finding:
    """Train has nothing to learn from."""
    nothing = "Train has no row with both a text and a label."
    return Finding(severity="stop", kind="no row", sentence=nothing, count=0)


def folded(name: str) -> str:
    """What is left of a label's name without case, blanks and ways of writing one character."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def one_typo(first: str, second: str) -> bool:
    """Whether one character is wrong, missing, too many, or has changed places with the next.

    A digit never counts as a typo: 'level 1' and 'level 2' are meant.
    """
    start = common_start(first, second)
    end = common_start(first[start:][::-1], second[start:][::-1])
    odd, other = first[start : len(first) - end], second[start : len(second) - end]
    if not odd + other or any(map(str.isdigit, odd + other)):
        return False
    return max(len(odd), len(other)) == 1 or (len(odd) == 2 and odd == other[::-1])


def _too_few(train: Rows, used: Mapping[str, int]) -> Finding:
    if not len(train):
        return no_row()
    only = f"only the class {next(iter(used))!r}" if used else "no class"
    return Finding(
        severity="stop",
        kind="too few classes",
        sentence=f"Train has {only}; two classes are needed.",
        count=len(used),
    )


def _same_names(counts: Mapping[str, int]) -> Iterator[Finding]:
    alike: dict[str, dict[str, int]] = defaultdict(dict)
    for name, count in counts.items():
        alike[folded(name)][name] = count
    for names in alike.values():
        if len(names) > 1:
            yield Finding(
                severity="stop",
                kind="labels alike",
                sentence=f"Labels that differ only by case, blanks or Unicode form would be classes"
                f" of their own: {counted(names)}; write them alike.",
                count=sum(names.values()),
            )


def _typos(counts: Mapping[str, int]) -> Iterator[Finding]:
    alike = {name: folded(name) for name in counts if len(folded(name)) >= SHORTEST}
    for common in alike:
        # Where all labels are rare, as numbers of rows are, nothing is compared.
        for rare in _rarer(alike, counts, RARE * counts[common]):
            if one_typo(alike[rare], alike[common]):
                yield Finding(
                    severity="warning",
                    kind="label typo",
                    sentence=f"The label {rare!r} (rows: {counts[rare]:,}) may be a typo of"
                    f" {common!r} ({counts[common]:,}).",
                    count=counts[rare],
                )


def _rarer(names: Iterable[str], counts: Mapping[str, int], most: float) -> Iterator[str]:
    """Those of at most so many rows; none where that is less than one."""
    return (name for name in names if counts[name] <= most) if most >= 1 else iter(())


def _read_as_one(
    names: tuple[str, ...], spellings: Mapping[str, Counter[str]]
) -> Iterator[Finding]:
    """Labels that the loader takes for a class although they are written in another way."""
    by_fold = {name.casefold(): name for name in names}
    merged: dict[str, Counter[str]] = defaultdict(Counter)
    for role, written in spellings.items():
        for spelling, count in written.items():
            stripped = spelling.strip()
            name = stripped if role == "train" else by_fold.get(stripped.casefold(), stripped)
            if name in names and spelling != name and stripped not in set(names) - {name}:
                merged[name][spelling] += count
    for name, others in merged.items():
        yield Finding(
            severity="warning",
            kind="label spelling",
            sentence=f"Read as the label {name!r} although written otherwise:"
            f" {counted(dict(others))}.",
            count=others.total(),
        )
