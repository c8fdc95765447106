"""Texts: blank ones, repeated ones, and those that two labels claim."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from finetune.data.check.findings import Finding, counted, first_examples, shown_input
from finetune.data.check.missing_values import is_missing
from finetune.data.rows import Rows
from finetune.errors import number_of

Input = tuple[str, str | None]
Answer = frozenset[str] | float
"""The classes of a row, or its score."""


def text_findings(role: str, rows: Rows) -> Iterator[Finding]:
    """What is odd about the texts of one split."""
    yield from _left_out(role, rows)
    yield from _missing(role, rows)
    labels: dict[Input, Counter[Answer]] = defaultdict(Counter)
    for text, answer in zip(rows.inputs(), rows.answers(), strict=True):
        labels[text][answer] += 1
    yield from _repeated(role, labels)
    yield from _conflicts(role, labels)


def shared_findings(splits: Mapping[str, Rows]) -> Iterator[Finding]:
    """Texts that stand word for word in two splits; *splits* are in the order of their roles.

    A training row that recurs in a held-out split doesn't get into training.
    """
    roles = list(splits)
    for i, first in enumerate(roles):
        for second in roles[i + 1 :]:
            there = set(splits[second].inputs())
            shared = [row for row in splits[first].inputs() if row in there]
            if shared:
                yield _shared(first, second, shared)


def _shared(first: str, second: str, shared: list[Input]) -> Finding:
    from_train = first == "train"
    return Finding(
        severity="warning",
        kind="repeated in held-out" if from_train else "shared by held-out",
        sentence=f"Found again word for word in {second}:"
        f" {number_of(len(shared), 'row')} of {first}"
        + (", left out of training." if from_train else "."),
        count=len(shared),
        examples=first_examples(map(shown_input, dict.fromkeys(shared))),
    )


def _left_out(role: str, rows: Rows) -> Iterator[Finding]:
    for kind, count in (("blank text", rows.blank), ("no label", rows.unlabeled)):
        if count:
            what = "a blank text" if kind == "blank text" else kind
            yield Finding(
                severity="warning",
                kind=kind,
                sentence=f"Left out of {role}: {number_of(count, 'row')} with {what}.",
                count=count,
            )


def _missing(role: str, rows: Rows) -> Iterator[Finding]:
    """Texts that are but a word for no text."""
    found = Counter(text for row in rows.inputs() for text in row if text and is_missing(text))
    if found:
        yield Finding(
            severity="warning",
            kind="text for missing",
            sentence=f"Texts in {role} that look like missing values: {counted(found)}; leave them"
            " empty, and such rows are left out.",
            count=found.total(),
        )


def _repeated(role: str, labels: Mapping[Input, Counter[Answer]]) -> Iterator[Finding]:
    """Rows that say again what another row says: the same text with the same label."""
    again = {
        row: extra for row, names in labels.items() if (extra := names.total() - len(names)) > 0
    }
    if again:
        count = sum(again.values())
        most = sorted(again, key=lambda row: -again[row])
        yield Finding(
            severity="warning",
            kind="repeated within split",
            sentence=f"Repeated within {role}, text and label: {number_of(count, 'row')} too many.",
            count=count,
            examples=first_examples(f"{again[row] + 1} times: {shown_input(row)}" for row in most),
        )


def _conflicts(role: str, labels: Mapping[Input, Counter[Answer]]) -> Iterator[Finding]:
    torn = {row: names for row, names in labels.items() if len(names) > 1}
    if torn:
        yield Finding(
            severity="warning",
            kind="conflicting labels",
            sentence=f"Labeled in more than one way within {role}: {number_of(len(torn), 'text')}.",
            count=len(torn),
            examples=first_examples(
                f"{_named(names)}: {shown_input(row)}" for row, names in torn.items()
            ),
        )


def _named(labels: Counter[Answer]) -> str:
    return " / ".join(map(_written, (answer for answer, _ in labels.most_common())))


def _written(answer: Answer) -> str:
    if isinstance(answer, float):
        return f"{answer:g}"
    return "+".join(sorted(answer)) or "(none)"
