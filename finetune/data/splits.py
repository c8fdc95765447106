"""From a data set to the three splits of a run: checked, without leaks between them."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from finetune.data.class_matching import align_rows, join_rows, match_classes, numbering_differs
from finetune.data.rows import Rows, read_rows
from finetune.data.scores import SCORE, holds_fractions
from finetune.data.sources import WHOLE_SPLIT, data_files, open_source, role_of
from finetune.data.tables.columns import Columns, find_columns
from finetune.data.tables.messages import listed
from finetune.data.tables.table import Columnar, Table
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames
from finetune.run.config import DataConfig, SeedConfig
from finetune.run.local_paths import local_path, shown_name

VALIDATION_SHARE = 0.1
MAX_VALIDATION_ROWS = 2_000
"""What is cut from the training rows when there is no validation split: the smaller of the two."""

MAX_SCORE_BINS = 10
"""Bins of scores at most, each of which gives its share of a cut split."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """The rows of a run; every class of validation and test is one of `labels`."""

    train: Rows
    validation: Rows
    test: Rows | None
    labels: tuple[str, ...]
    """The classes, or the name of the one score."""
    validation_origin: str
    notes: tuple[str, ...]
    """What was left out of the data, one sentence each."""

    def by_role(self) -> dict[str, Rows]:
        """The rows of each split there is."""
        found = {"train": self.train, "validation": self.validation, "test": self.test}
        return {role: rows for role, rows in found.items() if rows is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRows:
    """What the data holds by role, before rows are left out and classes of splits matched."""

    rows: dict[str, Rows]
    spellings: dict[str, Counter[str]]
    """How often each label is written in the label column, the blanks around it kept."""
    unread: tuple[str, ...]
    """A sentence for each folder with files that have no role."""
    columns: tuple[tuple[str, Columns], ...] = ()
    """What is read of each file or split, by what it is called."""
    numbered: tuple[str, ...] = ()
    """A sentence for each further file whose labels are numbers, where the first has others."""


def find_splits(config: DataConfig) -> SourceRows:
    """All rows that *config* names; train is always among the roles."""
    opened: dict[str, list[tuple[str, Columnar]]] = defaultdict(list)
    unread = list[str]()
    for source in config.data:
        splits = _by_role(source, open_source(source), "train")
        unread += _unread(source, splits.others)
        for role, dataset in splits.roles.items():
            opened[role].append((_place(source, role, dataset), dataset))
    for role, named in (("validation", config.validation), ("test", config.test)):
        if named is not None:
            dataset = _by_role(named, open_source(named), role).roles[role]
            opened[role] = [(_place(named, role, dataset), dataset)]
    regression = _wants_regression(config, chain.from_iterable(opened.values()))
    rows = {
        role: [
            read_rows(dataset, where, config.columns, regression=regression)
            for where, dataset in parts
        ]
        for role, parts in opened.items()
    }
    for role, named in (("validation", config.validation), ("test", config.test)):
        if named is not None and not len(rows[role][0]):
            raise DataError(f"{shown_name(named)!r} has no row with both a text and a label")
    columns = (
        (f"{role} in {where!r}", find_columns(dataset, where, config.columns))
        for role, parts in opened.items()
        for where, dataset in parts
    )
    return SourceRows(
        rows={role: join_rows(parts) for role, parts in rows.items()},
        spellings={
            role: sum((_spellings(*part, config.columns) for part in parts), Counter[str]())
            for role, parts in opened.items()
        },
        unread=tuple(unread),
        columns=tuple(columns),
        numbered=tuple(_numbered(rows["train"])),
    )


def load_splits(
    config: DataConfig, source: SourceRows | None = None, *, seed: int = SeedConfig.seed
) -> Splits:
    """The splits that *config* asks for; rows of train that recur in the others are left out.

    Args:
        config: The data.
        source: What `find_splits` gave for *config*, where it was called before.
        seed: Of a split that has to be cut.
    """
    source = source or find_splits(config)
    found = dict(source.rows)
    train = found.pop("train")
    _check_answers(train)
    _check_label_column(train)
    notes = [*source.unread, *_left_out("train", train)]
    for role, rows in found.items():
        notes += _left_out(role, rows)
    found = {role: align_split(rows, role, train) for role, rows in found.items() if len(rows)}
    origin = "its own split or file"
    alone = drop_repeated(train, list(found.values()))
    found_again = len(train) - len(alone)
    _check_answers(alone, found_again=found_again)
    if "validation" not in found:
        rest, found["validation"] = cut_validation(alone, seed=seed)
        alone = drop_repeated(rest, [found["validation"]])
        found_again += len(rest) - len(alone)
        _check_answers(alone, found_again=found_again)
        how = "over the range of scores" if train.regression else "class by class"
        origin = f"rows cut from the training data, {how}"
        notes += _missing_classes(alone, found["validation"])
    if found_again:
        notes.append(f"Left out of train: {found_again:,} found again in validation or test.")
    if train.regression:
        _check_scores(found["validation"], "validation")
    return Splits(
        train=alone,
        validation=found["validation"],
        test=found.get("test"),
        labels=(SCORE,) if train.regression else train.names,
        validation_origin=origin,
        notes=tuple(notes),
    )


class EvaluationRows(NamedTuple):
    """The rows that a checkpoint is measured on, and what is to be said of them."""

    rows: Rows
    split: str
    columns: Columns
    notes: tuple[str, ...]
    """What was left out, and what labels that are numbers were taken for, a sentence each."""


def load_evaluation_rows(
    source: str,
    labels: tuple[str, ...],
    *,
    split: str | None,
    columns: ColumnNames,
    regression: bool = False,
) -> EvaluationRows:
    """The rows to measure a checkpoint on, classes named as *labels*.

    With *regression* they have scores.
    """
    splits = open_source(source)
    name = split or _default_split(tuple(splits))
    if name not in splits:
        raise DataError(f"no split {name!r} in {shown_name(source)!r}; it has {', '.join(splits)}")
    place = _place(source, name, splits[name])
    rows = read_rows(splits[name], place, columns, regression=regression)
    if not len(rows):
        raise DataError(f"{shown_name(source)!r} has no row with both a text and a label")
    read, notes = find_columns(splits[name], place, columns), _left_out(name, rows)
    if not regression:
        where = repr(shown_name(source))
        notes += filter(None, [match_classes(rows, labels).sentence(where)])
        rows = align_rows(rows, labels, where=where)
    return EvaluationRows(rows, name, read, tuple(notes))


def cut_validation(rows: Rows, *, seed: int) -> tuple[Rows, Rows]:
    """Training and validation rows: every class gives its share of its different texts.

    A class of two texts or more gives one at least, and keeps one.  Scores are cut by ranges of
    them.
    """
    share = min(VALIDATION_SHARE, MAX_VALIDATION_ROWS / len(rows))
    shuffled, texts = random.Random(seed), rows.inputs()
    chosen: dict[tuple[str, str | None], int] = {}
    groups = _by_score(rows) if rows.regression else _by_rarest_class(rows)
    # The rows of a text can have several classes, where labels contradict each other.
    left = [{texts[i] for i in members} for members in groups.values()]
    holding: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for number, group in enumerate(left):
        for text in group:
            holding[text].append(number)
    for members in groups.values():
        first = {texts[i]: i for i in reversed(members) if texts[i] not in chosen}
        own = sorted(first.values())
        size = max(round(len(own) * share), 1) if len(own) > 1 else 0
        for i in shuffled.sample(own, size):
            holders = [left[number] for number in holding[texts[i]]]
            if all(len(group) > 1 for group in holders):
                chosen[texts[i]] = i
                for group in holders:
                    group.remove(texts[i])
    if not chosen:
        raise DataError(
            f"{len(rows)} training rows are too few to cut a validation split, as no"
            f" {'range of scores' if rows.regression else 'class'} has two different texts; give"
            " --validation"
        )
    held_out = sorted(chosen.values())
    train = sorted(set(range(len(rows))).difference(held_out))
    return rows.select(train), rows.select(held_out)


def drop_repeated(rows: Rows, held_out: list[Rows]) -> Rows:
    """*rows* without those whose text occurs word for word in *held_out*."""
    seen = {text for part in held_out for text in part.inputs()}
    return rows.select([i for i, text in enumerate(rows.inputs()) if text not in seen])


class _Splits(NamedTuple):
    """The splits of a source by their roles, and the names of those that have none."""

    roles: dict[str, Columnar]
    others: list[str]


def _by_role(source: str, splits: Mapping[str, Columnar], needed: str) -> _Splits:
    """A single file, or a lone split without a role, is the one that is needed."""
    if local_path(source).is_file() or [role_of(name) for name in splits] == [None]:
        return _Splits({needed: next(iter(splits.values()))}, [])
    names: dict[str | None, list[str]] = defaultdict(list)
    for name in splits:
        names[role_of(name)].append(name)
    others = names.pop(None, [])
    if needed not in names:
        files = data_files(source)
        raise DataError(
            f"{shown_name(source)!r} has no {needed} {'file' if files else 'split'}; it has"
            f" {', '.join(files or splits)}"
        )
    for role, alike in names.items():
        if len(alike) > 1:
            raise DataError(
                f"{shown_name(source)!r} has {len(alike)} {role} splits, {', '.join(alike)}; save"
                " it with one of them"
            )
    return _Splits({str(role): splits[name] for role, (name,) in names.items()}, others)


def _place(source: str, split: str, dataset: Columnar) -> str:
    """What a split is called in a sentence: by its file, or by its data set and its own name."""
    name = shown_name(source)
    own = dataset.name if isinstance(dataset, Table) else split
    return name if own in (name, WHOLE_SPLIT) else f"{name}/{own}"


def _wants_regression(config: DataConfig, opened: Iterable[tuple[str, Columnar]]) -> bool:
    """What --task says, or else whether any file has fractions where classes would be."""
    if config.task != "auto":
        return config.task == "regression"
    return any(
        holds_fractions(dataset, find_columns(dataset, where, config.columns))
        for where, dataset in opened
    )


def _numbered(parts: Sequence[Rows]) -> Iterator[str]:
    """What is said of further training files that number classes in another way than the first."""
    first, *others = parts
    for other in others:
        if other.numbered and not first.numbered:
            yield match_classes(other, first.names, first.keys).sentence("a training file")
        elif numbering_differs(first, other):
            yield (
                "One training file numbers its classes from 0 and another from 1, so that one"
                " number may stand for two classes; number them alike."
            )


def _spellings(where: str, dataset: Columnar, named: ColumnNames) -> Counter[str]:
    """How often each label is written that way; numbers are left out, as they have one spelling."""
    column = find_columns(dataset, where, named).label
    values = (v if isinstance(v, list) else [v] for v in dataset[column])
    return Counter(name for row in values for name in row if isinstance(name, str) and name.strip())


def align_split(rows: Rows, role: str, train: Rows) -> Rows:
    """The rows of a held-out split with the classes of *train*; they have to be of one kind."""
    if (rows.pairs is None) != (train.pairs is None):
        raise DataError(f"only one of train and {role} has a second text; give one kind")
    if rows.multi_label and not train.multi_label:
        raise DataError(f"{role} has lists of labels but train has none; give one kind")
    if train.regression:
        return rows
    return align_rows(rows, train.names, where=f"the {role} split", keys=train.keys)


def _check_answers(rows: Rows, *, found_again: int = 0) -> None:
    """Refuse rows with less than two classes or scores; *found_again* were left out as held out."""
    if not len(rows):
        raise DataError(
            "no training row is left: each lacks a text or a label, or is found again in validation"
            " or test"
        )
    if rows.regression:
        _check_scores(rows, "train")
        return
    used = [name for name, count in rows.counts(rows.names).items() if count]
    if len(used) < (1 if rows.multi_label else 2):
        classes = "no class" if not used else f"the class {used[0]!r}"
        left_out = f" once {found_again} found again in validation or test are left out"
        raise DataError(
            f"all training rows have {classes}{left_out if found_again else ''}; two classes are"
            " needed"
        )


def _check_scores(rows: Rows, role: str) -> None:
    """Refuse scores that are all one number: there is nothing to learn or to measure."""
    different = set(rows.scores or ())
    if len(different) < 2:
        raise DataError(
            f"all rows of {role} have the score {min(different):g}; two different ones are needed"
        )


def _check_label_column(rows: Rows) -> None:
    """Refuse labels that hardly recur: they are not classes."""
    used = [name for name, count in rows.counts(rows.names).items() if count]
    if len(used) * 2 > len(rows) and not (rows.multi_label or rows.regression):
        raise DataError(
            f"{len(used)} different labels in {len(rows)} rows; name the class column with"
            " --label-column, give each class two rows at least, or predict numbers with --task"
            " regression"
        )


def _by_rarest_class(rows: Rows) -> dict[str, list[int]]:
    """Row numbers by class; a row of several classes counts for its rarest."""
    counts = Counter(name for row in rows.labels for name in row)
    groups: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows.labels):
        groups[min(row, key=lambda name: (counts[name], name), default="")].append(i)
    return groups


def _by_score(rows: Rows) -> dict[int, list[int]]:
    """Row numbers by bins of scores with about as many rows in each, ten at least."""
    bins = min(MAX_SCORE_BINS, max(len(rows) // MAX_SCORE_BINS, 1))
    edges = np.quantile(rows.scores or (), np.arange(1, bins) / bins)
    groups: dict[int, list[int]] = defaultdict(list)
    for i, place in enumerate(np.searchsorted(edges, rows.scores or (), side="right")):
        groups[int(place)].append(i)
    return groups


def _default_split(names: tuple[str, ...]) -> str:
    """Test if there is one, else validation, else the first."""
    roles = {role_of(name): name for name in names}
    return roles.get("test") or roles.get("validation") or names[0]


def _unread(source: str, splits: Sequence[str]) -> Iterator[str]:
    """A sentence on the files of a folder, or the *splits* of a data set, that have no role."""
    files = [name for name, role in data_files(source).items() if role is None]
    if files:
        yield f"Not read in folder {shown_name(source)!r}: {', '.join(files)}."
    if splits:
        yield f"Not read of data set {shown_name(source)!r}: {', '.join(splits)}."


def _missing_classes(train: Rows, validation: Rows) -> list[str]:
    """A sentence where a cut split has no row of some classes."""
    there = {name for row in validation.labels for name in row}
    counts = train.counts(train.names)
    lacking = [name for name, count in counts.items() if count and name not in there]
    note = f"The cut validation split has no row of {listed(lacking)}; give one with --validation."
    return [note] if lacking else []


def _left_out(role: str, rows: Rows) -> list[str]:
    counts = {"a blank text": rows.blank, "no label": rows.unlabeled}
    return [
        f"Left out of {role}: {count:,} with {reason}." for reason, count in counts.items() if count
    ]
