"""What is wrong: slices, label errors and shortcuts."""

from collections.abc import Iterator

import pandas as pd

from viz.attribution.descriptions import percent
from viz.data.audit import sentences
from viz.data.labels.label_errors import LabelError, LabelErrors
from viz.data.missing import Missing
from viz.data.preview import MAX_WORD_CHARS, shortened
from viz.data.shortcuts.shortcuts import Shortcuts
from viz.data.slices.slices import Slices
from viz.export.audit_report.document import (
    Bar,
    Block,
    Column,
    Section,
    Table,
    Text,
    first,
)

MAX_LABEL_ERRORS, MAX_SHORTCUTS, MAX_WORDS = 50, 25, 4
SLICES_GUIDE = (
    "The interval is that of the part alone. A slice says where errors are, not why: rows of a "
    "part may have something else in common."
)
LABEL_ERRORS_GUIDE = (
    "A row that ranks high is one to look at, no more: its text may belong to both classes, or be "
    "one that the classifier never understood. Words are those that speak for the suggested class."
)
SHORTCUTS_GUIDE = (
    "A shortcut is not always a fault: a word may mean its class. What is tested is this "
    "classifier's decision with the word and without it, on texts that are unlike those of its "
    "training for that."
)


def slices(result: Slices | Missing) -> Section:
    """Parts of the file that are worse than the rest."""
    return Section("Slices", tuple(_slices(result)))


def label_errors(result: LabelErrors | Missing, table: pd.DataFrame) -> Section:
    """Labels that are likely wrong, the likeliest first."""
    return Section("Label errors", tuple(_label_errors(result, table)))


def shortcuts(result: Shortcuts | Missing) -> Section:
    """Words that decide by themselves."""
    return Section("Shortcuts", tuple(_shortcuts(result)))


def _slices(result: Slices | Missing) -> Iterator[Block]:
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    yield Text(sentences.slices(result))
    yield from (Text(note, "note") for note in result.notes)
    if not result.items:
        return
    yield Text(SLICES_GUIDE, "guide")
    yield Table(
        (
            *(Column("Part"), Column("Value"), Column("Rows", "number")),
            *(Column("Errors", "number"), Column("Accuracy", "number")),
            *(Column("95% interval", "number"), Column("of all errors", "bar")),
            Column("p", "number"),
        ),
        tuple(
            (
                shortened(sentences.slice_kind(each)),
                shortened(each.value),
                f"{each.n_rows:,}",
                f"{each.n_errors:,}",
                f"{each.accuracy:.1%}",
                "{:.1%} to {:.1%}".format(*each.accuracy_interval),
                Bar(each.error_share, f"{each.error_share:.1%}"),
                f"{each.p_value:.2g}",
            )
            for each in result.items
        ),
    )


def _label_errors(result: LabelErrors | Missing, table: pd.DataFrame) -> Iterator[Block]:
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    yield Text(sentences.label_errors(result))
    yield from (Text(note, "note") for note in result.notes)
    if not result.items:
        return
    yield Text(LABEL_ERRORS_GUIDE, "guide")
    doubted = [each for each in result.items if _is_doubted(each)]
    listed = doubted[:MAX_LABEL_ERRORS]
    if len(listed) < len(result.items):
        some = f"first {len(listed):,} of " if len(listed) < len(doubted) else ""
        yield Text(
            f"Listed are the {some}{len(doubted):,} rows of which another class is likelier than "
            f"the label; the first {len(result.items):,} of the ranking are in label-errors.csv of "
            "the page.",
            "note",
        )
    if not listed:
        return
    yield Table(
        (
            *(Column("Line", "number"), Column("Label"), Column("Suggested"), Column("Likely")),
            *(Column("P(label)", "number"), Column("P(suggested)", "number")),
            *(Column("Words"), Column("Text", "long")),
        ),
        tuple(
            (
                str(table["place"].iat[each.row]),
                each.label,
                each.suggested,
                "yes" if each.likely else "no",
                percent(each.label_probability),
                percent(each.suggested_probability),
                _words(each),
                shortened(str(table["text"].iat[each.row])),
            )
            for each in listed
        ),
    )


def _is_doubted(error: LabelError) -> bool:
    return error.likely or error.suggested_probability > error.label_probability


def _words(error: LabelError) -> str:
    """Those that say so, among the first."""
    words = dict.fromkeys(each.word for each in error.words[:MAX_WORDS] if each.score > 0)
    return ", ".join(shortened(word, MAX_WORD_CHARS) for word in words)


def _shortcuts(result: Shortcuts | Missing) -> Iterator[Block]:
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    yield Text(sentences.shortcuts(result))
    yield from (Text(note, "note") for note in result.notes)
    if not result.items:
        return
    yield Text(SHORTCUTS_GUIDE, "guide")
    yield from first(result.items, MAX_SHORTCUTS, "shortcuts.csv of the page")
    yield Table(
        (
            *(Column("Word"), Column("Class"), Column("Flagged"), Column("Rows", "number")),
            *(Column("Contribution", "number"), Column("Probability lost when removed", "number")),
            *(Column("leave the class", "number"),),
            *(Column("Probability gained when put in", "number"),),
            *(Column("come into it", "number"),),
        ),
        tuple(
            (
                shortened(each.word, MAX_WORD_CHARS),
                each.label,
                "yes" if each.flagged else "no",
                f"{each.n_rows:,}",
                sentences.logits(each.contribution),
                sentences.percentages(each.removal),
                f"{each.removal_flips.mean:.0%} of {each.n_removal:,}",
                sentences.percentages(each.insertion),
                f"{each.insertion_flips.mean:.0%} of {each.n_insertion:,}",
            )
            for each in result.items[:MAX_SHORTCUTS]
        ),
    )
