"""Coverage: classes that a held-out split lacks, and classes that all rows of a split have."""

from collections.abc import Iterator, Mapping

from finetune.data.check.findings import Finding, listed
from finetune.data.class_matching import ClassMatch
from finetune.data.rows import Rows


def coverage_findings(
    splits: Mapping[str, Rows], matched: Mapping[str, ClassMatch]
) -> Iterator[Finding]:
    """Classes about which results on a split say nothing.

    *matched* are the classes of each held-out split as those of train, which comes first.
    """
    train = splits["train"]
    counts = train.counts(train.names)
    used = {name: count for name, count in counts.items() if count}
    for role, found in matched.items():
        yield from _lacking(role, splits[role], used, found)
    for role, rows in splits.items():
        if rows.multi_label:
            yield from _everywhere(role, rows)


def _lacking(
    role: str, rows: Rows, used: Mapping[str, int], matched: ClassMatch
) -> Iterator[Finding]:
    counts = rows.counts(rows.names)
    there = {label for name, label in matched.labels.items() if label and counts[name]}
    lacking = [name for name in used if name not in there]
    if not lacking:
        return
    only = f"has rows of {listed(sorted(there))} alone and" if len(there) == 1 else "has"
    those = "this class" if len(lacking) == 1 else "these classes"
    yield Finding(
        severity="warning",
        kind="class lacking in split",
        sentence=f"{role.capitalize()} {only} no row of {listed(lacking)}, so results on it say"
        f" nothing about {those}.",
        count=len(lacking),
    )


def _everywhere(role: str, rows: Rows) -> Iterator[Finding]:
    counts = {name: count for name, count in rows.counts(rows.names).items() if count}
    everywhere = [name for name, count in counts.items() if count == len(rows)]
    if not everywhere or len(rows) < 2:
        return
    nothing = role == "train" and len(everywhere) == len(counts)
    one = len(everywhere) == 1
    remedy = (
        "there is nothing to learn"
        if nothing
        else f"a model that always gives {'it' if one else 'them'} is right, so"
        f" {'it says' if one else 'they say'} nothing; leave {'it' if one else 'them'} out"
    )
    yield Finding(
        severity="stop" if nothing else "warning",
        kind="class in every row",
        sentence=f"Every row of {role} has {'the class' if one else 'the classes'}"
        f" {listed(everywhere)}; {remedy}.",
        count=len(everywhere),
    )
