"""From a data set to the three splits of a run: checked, without leaks between them."""

from dataclasses import dataclass

from finetune.data.class_matching import align_rows
from finetune.data.rows import Rows
from finetune.data.scores import SCORE
from finetune.data.source_rows import (
    SourceRows,
    find_splits,
)
from finetune.data.tables.messages import listed
from finetune.data.validation_split import (
    cut_validation,
    drop_repeated,
)
from finetune.errors import DataError
from finetune.run.config_sections import DataConfig, SeedConfig


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

    def fingerprints(self) -> dict[str, str]:
        """What tells the rows of each split from others, by its role."""
        return {role: rows.fingerprint() for role, rows in self.by_role().items()}


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
    notes = [*source.unread, *train.left_out("train")]
    for role, rows in found.items():
        notes += rows.left_out(role)
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
        origin = f"rows split off from the training data, {how}"
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


def _missing_classes(train: Rows, validation: Rows) -> list[str]:
    """A sentence where a cut split has no row of some classes."""
    there = {name for row in validation.labels for name in row}
    counts = train.counts(train.names)
    lacking = [name for name, count in counts.items() if count and name not in there]
    note = f"The cut validation split has no row of {listed(lacking)}; give one with --validation."
    return [note] if lacking else []
