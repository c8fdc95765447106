"""Why: the words and heads of confused classes, and the edits that change a class."""

from collections.abc import Iterator, Sequence

import pandas as pd

from viz.attribution.descriptions import number, percent
from viz.data.audit import sentences
from viz.data.counterfactuals.counterfactuals import RowCounterfactuals
from viz.data.missing import Missing
from viz.data.preview import MAX_WORD_CHARS, shortened
from viz.data.reasons.cell_reasons import CellReasons
from viz.export.audit_report.document import (
    Bar,
    Block,
    Column,
    Section,
    Table,
    Text,
    first,
)

MAX_WORDS, MAX_HEADS = 20, 8
NO_BREAK = "\u00a0"
REASONS_GUIDE = (
    f"{sentences.REASONS} This takes the attention of the model as it is: a word's share says what "
    "the model made of it there, not what would happen without it. Of a hundred intervals five "
    "miss by chance."
)
HEADS_GUIDE = (
    f"Heads: {sentences.HEADS} Those that are silenced were chosen on the rows of the cell, so "
    "that what happens there proves nothing; the other rows show what mending the cell that way "
    "would cost."
)
COUNTERFACTUALS_GUIDE = (
    f"{sentences.COUNTERFACTUALS} Each proves one thing: this model puts this other text into "
    "another class. It does not say that the words cause anything in the world, nor which class is "
    "right after the edit."
)


def cell_reasons(cells: Sequence[CellReasons] | Missing) -> Section:
    """Words and heads for each of the cells that are explained."""
    return Section("Reasons of confused classes", tuple(_cells(cells)))


def counterfactuals(
    results: Sequence[RowCounterfactuals] | Missing, table: pd.DataFrame
) -> Section:
    """The smallest edits that change the class of some rows."""
    return Section("Counterfactuals", tuple(_counterfactuals(results, table)))


def _cells(cells: Sequence[CellReasons] | Missing) -> Iterator[Block]:
    if isinstance(cells, Missing):
        yield Text(cells.missing, "missing")
        return
    if not cells:
        yield Text("No cell was to be explained, or no row is put into a wrong class.", "missing")
        return
    has_heads = any(not isinstance(cell.heads, Missing) for cell in cells)
    yield Text(f"{REASONS_GUIDE} {HEADS_GUIDE}" if has_heads else REASONS_GUIDE, "guide")
    for cell in cells:
        yield from _cell(cell)


def _cell(cell: CellReasons) -> Iterator[Block]:
    yield Text(f"True {cell.gold}, predicted {cell.predicted}", "heading")
    yield Text(sentences.difference(cell))
    yield from first(cell.words, MAX_WORDS, "audit.json")
    yield Table(
        (
            *(Column("Word"), Column("Adds to the mean difference", "bar")),
            *(Column("Rows", "number"), Column("in a row that has it", "number")),
        ),
        tuple(
            (
                shortened(word.word, MAX_WORD_CHARS),
                Bar(word.share, number(word.share)),
                f"{word.n_rows:,}",
                sentences.logits(word.contribution),
            )
            for word in cell.words[:MAX_WORDS]
        ),
    )
    if isinstance(cell.heads, Missing):
        yield Text(cell.heads.missing, "missing")
    elif cell.heads:
        yield from first(cell.heads, MAX_HEADS, "audit.json")
        yield Table(
            (Column("Head"), Column("Adds", "bar"), Column("95% interval", "number")),
            tuple(
                (
                    f"L{head.layer}{NO_BREAK}·{NO_BREAK}H{head.head}",
                    Bar(head.contribution.mean, number(head.contribution.mean)),
                    sentences.between(head.contribution),
                )
                for head in cell.heads[:MAX_HEADS]
            ),
        )
    if cell.against is not None:
        return  # heads are silenced only where rows are wrong
    if isinstance(cell.silenced, Missing):
        yield Text(cell.silenced.missing, "missing")
    else:
        yield Text(sentences.silencing(cell, cell.silenced))


def _counterfactuals(
    results: Sequence[RowCounterfactuals] | Missing, table: pd.DataFrame
) -> Iterator[Block]:
    if isinstance(results, Missing):
        yield Text(results.missing, "missing")
        return
    yield Text(COUNTERFACTUALS_GUIDE, "guide")
    if any(result.items for result in results):
        yield Table(
            (
                *(Column("Line", "number"), Column("Text", "long"), Column("Class")),
                *(Column("Edits"), Column("New class"), Column("Fewest edits")),
            ),
            tuple(row for result in results for row in _edits(result, table)),
        )
    for result in results:
        where = f"Line {table['place'].iat[result.row]}: "
        if not result.items and not result.notes:
            yield Text(where + sentences.NO_COUNTERFACTUALS, "note")
        yield from (Text(where + note, "note") for note in result.notes)


def _edits(result: RowCounterfactuals, table: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for each in result.items:
        yield (
            str(table["place"].iat[result.row]),
            shortened(str(table["text"].iat[result.row])),
            f"{result.label} ({percent(result.probability)})",
            sentences.edits(each),
            f"{each.label} ({percent(each.probability)})",
            "yes" if each.smallest else "not known",
        )
