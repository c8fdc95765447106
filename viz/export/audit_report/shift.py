"""What is different from the file that was compared with."""

from collections.abc import Iterator

from viz.attribution.descriptions import number, true_minus
from viz.data.audit import sentences
from viz.data.missing import Missing
from viz.data.preview import MAX_WORD_CHARS, shortened
from viz.data.shift.shift import Shift
from viz.export.audit_report.document import Bar, Block, Column, Section, Table, Text, first

MAX_CLASSES, MAX_WORDS = 20, 30
GUIDE = (
    "An alarm says that the two files differ by more than chance explains, not that the "
    "classifier got worse; causes are those that say most of which file a row is in, and what was "
    "not looked for isn't among them. The accuracy is an estimate without labels: it holds where "
    "the classifier errs on the new rows as it did on rows of like confidence before."
)


def shift(result: Shift | Missing) -> Section:
    """Alarm, causes, accuracy without labels, classes and words."""
    return Section("Shift", tuple(_shift(result)))


def _shift(result: Shift | Missing) -> Iterator[Block]:
    if isinstance(result, Missing):
        yield Text(result.missing, "missing")
        return
    yield Text(sentences.shift(result))
    yield Text(GUIDE, "guide")
    yield from (Text(note, "note") for note in result.notes)
    if result.causes:
        yield Text("Likely causes", "heading")
        yield Table(
            (Column("Cause"), Column("Strength in bits", "bar"), Column("What was seen", "long")),
            tuple(
                (each.cause, Bar(each.strength, f"{each.strength:.2f}"), each.sentence)
                for each in result.causes
            ),
        )
    yield Text("Measures", "heading")
    if isinstance(result.estimated_accuracy, Missing):
        yield Text(result.estimated_accuracy.missing, "missing")
    else:
        yield Text(f"The accuracy is estimated by {result.estimated_by}.")
    columns = Column("Measure"), Column("Value", "number"), Column("95% interval", "number")
    yield Table(columns, tuple(_measures(result)))
    yield Text(sentences.DOMAIN, "guide")
    if result.classes:
        yield Text("How often classes are predicted", "heading")
        yield from first(result.classes, MAX_CLASSES, "audit.json")
        yield _classes(result)
    if result.words:
        yield from _words(result)


def _measures(result: Shift) -> Iterator[tuple[str, str, str]]:
    estimate, auc = result.estimated_accuracy, result.domain_auc
    if not isinstance(estimate, Missing):
        ends = f"{estimate.low:.1%} to {estimate.high:.1%}"
        yield "Accuracy, estimated", f"{estimate.mean:.1%}", ends
    if result.reference_accuracy is not None:
        yield "Accuracy before", f"{result.reference_accuracy:.1%}", ""
    yield sentences.confidence(result)
    yield "Files told apart", f"{auc.mean:.2f}", f"{auc.low:.2f} to {auc.high:.2f}"


def _classes(result: Shift) -> Table:
    columns = Column("Class"), Column("Before", "number"), Column("Now", "number")
    return Table(
        (*columns, Column("Difference", "bar")),
        tuple(
            (
                each.label,
                f"{each.reference_share:.1%}",
                f"{each.share:.1%}",
                Bar(each.difference.mean, sentences.percentages(each.difference)),
            )
            for each in result.classes[:MAX_CLASSES]
        ),
    )


def _words(result: Shift) -> Iterator[Block]:
    yield Text("Words that tell the files apart", "heading")
    yield Text(sentences.SHIFT_WORDS, "guide")
    kinds = ", ".join(
        f"{each.n_words:,} {each.kind} ({number(each.score)})" for each in result.word_kinds
    )
    if kinds:
        yield Text(
            f"The mean scores of the two files are {number(result.domain_difference)} apart: words "
            f"{kinds}, and {number(result.domain_bias)} that no word holds."
        )
    yield from first(result.words, MAX_WORDS, "shift-words.csv of the page")
    yield Table(
        (
            *(Column("Word"), Column("Kind"), Column("Before", "number"), Column("Now", "number")),
            Column("Adds to the score", "bar"),
        ),
        tuple(
            (
                shortened(each.word, MAX_WORD_CHARS),
                each.kind,
                f"{each.reference_share:.1%}",
                f"{each.share:.1%}",
                Bar(each.score, true_minus(f"{each.score:+.3f}")),
            )
            for each in result.words[:MAX_WORDS]
        ),
    )
