"""Labels: names that mean one class but aren't written as one, and classes nobody learns."""

import difflib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from finetune.data.check.findings import Finding, counted, listed
from finetune.data.check.invisible_characters import is_invisible, quoted
from finetune.data.check.label_format import format_findings
from finetune.data.check.label_typos import typo_findings
from finetune.data.check.missing_values import is_missing
from finetune.data.class_matching import ClassMatch, numbering_differs
from finetune.data.rows import Rows

MAX_HINTS = 2
"""Unknown classes for which a like one is offered."""

MAX_COMPARED_CLASSES = 20
"""Unknown classes for which one is looked for: each is compared with all classes of train."""


def label_findings(train: Rows, spellings: Mapping[str, Counter[str]]) -> Iterator[Finding]:
    """Classes of *train* that look like one; *spellings* are the labels of each split as written.

    The names in `spellings` still have the blanks around them that reading takes away.
    """
    counts = train.counts(train.names)
    used = {name: count for name, count in counts.items() if count}
    if len(used) < (1 if train.multi_label else 2):
        yield _too_few(train, used)
    yield from _same_names(used)
    yield from typo_findings(used, normalized_name)
    yield from format_findings(used)
    yield from _read_as_one(train.names, spellings)


def unknown_classes(role: str, rows: Rows, matched: ClassMatch, train: Rows) -> Finding:
    """The classes of a held-out split that train lacks; what may be meant is said."""
    unknown = matched.unknown
    lacking = rows.counts(unknown)
    hints = _hints(role, rows, unknown, train)
    return Finding(
        severity="stop",
        kind="class unknown to train",
        sentence=f"Train has no row of {listed(unknown)},"
        f" {'a class' if len(unknown) == 1 else 'classes'} of {role}"
        f"{f' ({hints})' if hints else ''}; write it as in train, or add such rows to train.",
        count=sum(lacking.values()),
    )


def no_row() -> Finding:
    """Train has nothing to learn from."""
    nothing = "Train has no row with both a text and a label."
    return Finding(severity="stop", kind="no row", sentence=nothing, count=0)


def normalized_name(name: str) -> str:
    """What is left of a name without case, blanks, what can't be seen and ways of writing."""
    seen = "".join(letter for letter in name if not is_invisible(letter))
    return "".join(unicodedata.normalize("NFKC", seen).casefold().split())


def _hints(role: str, rows: Rows, unknown: Sequence[str], train: Rows) -> str:
    if numbering_differs(train, rows):
        return f"either train or {role} numbers classes from 0 and the other from 1"
    if is_missing(unknown[0]):
        return f"{quoted(unknown[0])} looks like a missing label: leave it empty then"
    near = [
        f"{quoted(name)} is close to {quoted(match)}"
        for name in unknown[:MAX_COMPARED_CLASSES]
        for match in difflib.get_close_matches(name[:60], train.names, n=1, cutoff=0.8)
    ]
    return "; ".join(near[:MAX_HINTS])


def _too_few(train: Rows, used: Mapping[str, int]) -> Finding:
    if not len(train):
        return no_row()
    only = f"only the class {quoted(next(iter(used)))}" if used else "no class"
    return Finding(
        severity="stop",
        kind="too few classes",
        sentence=f"Train has {only}; two classes are needed.",
        count=len(used),
    )


def _same_names(counts: Mapping[str, int]) -> Iterator[Finding]:
    alike: dict[str, dict[str, int]] = defaultdict(dict)
    for name, count in counts.items():
        alike[normalized_name(name)][name] = count
    for names in alike.values():
        if len(names) > 1:
            yield Finding(
                severity="stop",
                kind="labels alike",
                sentence="Labels that differ only by case, blanks, invisible characters or Unicode"
                f" form would be classes of their own: {counted(names)}; write them the same way.",
                count=sum(names.values()),
            )


def _read_as_one(
    names: tuple[str, ...], spellings: Mapping[str, Counter[str]]
) -> Iterator[Finding]:
    """Labels that the loader takes for a class although they are written in another way."""
    known, by_fold = set(names), {name.casefold(): name for name in names}
    merged: dict[str, Counter[str]] = defaultdict(Counter)
    for role, written in spellings.items():
        for spelling, count in written.items():
            stripped = spelling.strip()
            name = stripped if role == "train" else by_fold.get(stripped.casefold(), stripped)
            if name in known and spelling != name and (stripped == name or stripped not in known):
                merged[name][spelling] += count
    for name, others in merged.items():
        yield Finding(
            severity="warning",
            kind="label spelling",
            sentence=f"Read as the label {quoted(name)} although written differently:"
            f" {counted(others)}.",
            count=others.total(),
        )
