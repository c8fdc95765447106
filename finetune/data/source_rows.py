"""The rows of all files and splits that a run or a check names, before any is left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from finetune.data.class_matching import join_rows, match_classes, numbering_differs
from finetune.data.rows import Rows, read_rows
from finetune.data.scores import holds_fractions
from finetune.data.sources import WHOLE_SPLIT, data_files, open_source, role_of
from finetune.data.tables.columns import Columns, find_columns
from finetune.data.tables.table import Columnar, Table
from finetune.errors import DataError
from finetune.run.column_names import ColumnNames
from finetune.run.config_sections import DataConfig
from finetune.run.local_paths import local_path, shown_name


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
            opened[role].append((source_name(source, role, dataset), dataset))
    for role, named in (("validation", config.validation), ("test", config.test)):
        if named is not None:
            dataset = _by_role(named, open_source(named), role).roles[role]
            opened[role] = [(source_name(named, role, dataset), dataset)]
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
        rows={role: join_rows(parts, role) for role, parts in rows.items()},
        spellings={
            role: sum((_spellings(*part, config.columns) for part in parts), Counter[str]())
            for role, parts in opened.items()
        },
        unread=tuple(unread),
        columns=tuple(columns),
        numbered=tuple(_numbered([part for part in rows["train"] if len(part)])),
    )


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


def source_name(source: str, split: str, dataset: Columnar) -> str:
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
    for other in parts[1:]:
        first = parts[0]
        if other.numbered and first.named:
            yield match_classes(other, first.names, first.keys).sentence("a training file")
        elif numbering_differs(first, other):
            yield (
                "One training file numbers its classes from 0 and another from 1, so that one"
                " number may stand for two classes; number them the same way."
            )


def _spellings(where: str, dataset: Columnar, named: ColumnNames) -> Counter[str]:
    """How often each label is written that way; numbers are left out, as they have one spelling."""
    column = find_columns(dataset, where, named).label
    values = (v if isinstance(v, list) else [v] for v in dataset[column])
    return Counter(name for row in values for name in row if isinstance(name, str) and name.strip())


def _unread(source: str, splits: Sequence[str]) -> Iterator[str]:
    """A sentence on the files of a folder, or the *splits* of a data set, that have no role."""
    files = [name for name, role in data_files(source).items() if role is None]
    if files:
        yield f"Not read in folder {shown_name(source)!r}: {', '.join(files)}."
    if splits:
        yield f"Not read of data set {shown_name(source)!r}: {', '.join(splits)}."
