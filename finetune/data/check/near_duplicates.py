"""Near copies within a split, and between splits, where they make scores too good."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from finetune.data.check.findings import Finding, first_examples, shown_difference
from finetune.data.check.minhash import near_duplicate_pairs, normalized
from finetune.data.check.texts import Input
from finetune.data.rows import Rows

SIMILARITY = "with other case or punctuation or few other words"


@dataclass(frozen=True, kw_only=True, slots=True)
class NearDuplicates:
    """Different inputs of all splits, and where each has near copies."""

    inputs: tuple[Input, ...]
    roles: tuple[str, ...]
    """The split of each input."""
    twins: Mapping[int, Mapping[str, int]]
    """For an input with near copies: one of them for each split that has any."""

    def between(self, role: str, other: str) -> list[tuple[Input, Input]]:
        """The inputs of *role* that have a near copy in *other*, each with one."""
        return [
            (self.inputs[i], self.inputs[twins[other]])
            for i, twins in self.twins.items()
            if self.roles[i] == role and other in twins
        ]


def near_duplicate_findings(splits: Mapping[str, Rows]) -> Iterator[Finding]:
    """Texts that aren't the same word for word but nearly so.

    Copies within train matter more where validation is to be split off from it.
    """
    copies = find_near_duplicates(splits)
    for role in splits:
        found = copies.between(role, role)
        if found:
            yield _within(role, found, cut=role == "train" and "validation" not in splits)
    for first, second in combinations(splits, 2):
        found = copies.between(second, first)
        if found:
            yield _across(first, second, found)


def find_near_duplicates(splits: Mapping[str, Rows]) -> NearDuplicates:
    """The near copies among all rows of *splits*; a text that is there twice counts once."""
    found = [(row, role) for role, rows in splits.items() for row in dict.fromkeys(rows.inputs())]
    sides = 2 if any(pair is not None for (_, pair), _ in found) else 1
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, (row, _) in enumerate(found):
        groups[tuple(normalized(text or "") for text in row[:sides])].append(i)
    pairs: list[Sequence[int]] = []
    if groups:
        pairs = near_duplicate_pairs([list(side) for side in zip(*groups, strict=True)]).tolist()
    members, twins = list(groups.values()), defaultdict[int, dict[str, int]](dict)
    for one, other in chain(((i, i) for i in range(len(members))), pairs, (p[::-1] for p in pairs)):
        _link(members[one], members[other], found, twins)
    return NearDuplicates(
        inputs=tuple(row for row, _ in found), roles=tuple(role for _, role in found), twins=twins
    )


def _link(
    group: Sequence[int],
    others: Sequence[int],
    found: Sequence[tuple[Input, str]],
    twins: defaultdict[int, dict[str, int]],
) -> None:
    """Note for each of *group* one of *others* in each split; the very same text is none."""
    for i in group:
        for other in others:
            if found[i][0] != found[other][0] and found[other][1] not in twins.get(i, ()):
                twins[i][found[other][1]] = other


def _within(role: str, found: list[tuple[Input, Input]], *, cut: bool) -> Finding:
    risk = "; validation is split off from these rows, so that copies may land on both sides"
    return Finding(
        severity="warning" if cut else "note",
        kind="near copies within split",
        sentence=f"{_copy_of(found, role)} another one, {SIMILARITY}{risk if cut else ''}.",
        count=len(found),
        examples=_examples(found),
    )


def _across(first: str, second: str, found: list[tuple[Input, Input]]) -> Finding:
    return Finding(
        severity="warning",
        kind="near copies across splits",
        sentence=f"{_copy_of(found, second)} one of {first}, {SIMILARITY}; scores on {second} may"
        " be too good.",
        count=len(found),
        examples=_examples(found),
    )


def _copy_of(found: list[tuple[Input, Input]], role: str) -> str:
    if len(found) == 1:
        return f"1 text of {role} is nearly the same as"
    return f"{len(found):,} texts of {role} are nearly the same as"


def _examples(found: list[tuple[Input, Input]]) -> tuple[str, ...]:
    """One example per pair, whichever of the two comes first."""
    pairs = {frozenset(pair): pair for pair in reversed(found)}
    return first_examples(shown_difference(*pair) for pair in reversed(pairs.values()))
