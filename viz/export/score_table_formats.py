"""The table of a faithfulness record as Markdown, LaTeX, or CSV."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from finetune.errors import quoted
from viz.errors import SelectionError
from viz.export.csv_cells import guarded
from viz.export.csv_cells import written as csv_number
from viz.export.latex_text import tex_text, with_sign_commands
from viz.export.score_table import Section, method_name, ranked, score_table
from viz.faithfulness.interval import Interval
from viz.faithfulness.metrics import METRICS
from viz.faithfulness.record import FaithfulnessRecord, MethodScores
from viz.model.installation import version

_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>|#~$]|&(?=#?\w+;))")
"""What Markdown acts on anywhere, and where an entity begins."""
_LIST = re.compile(r"^(\d*)([-+.)])(?=\s)")
"""What makes a list of a paragraph."""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """One kind of file for the table."""

    label: str
    mime: str
    write: Callable[[FaithfulnessRecord], bytes]


def markdown(record: FaithfulnessRecord) -> bytes:
    """A table for each section, numbers to the right, and the notes below."""
    table = score_table(record)
    lines = [f"**{_markdown(table.title)}**", ""]
    for section in table.sections:
        lines += [f"*{_markdown(section.title)}*", "", *_markdown_rows(section), ""]
    for note in table.notes:
        lines += [_markdown(note), ""]
    return "\n".join(lines).encode()


def _markdown(text: str) -> str:
    return _LIST.sub(r"\1\\\2", _MARKDOWN_SIGNS.sub(r"\\\1", " ".join(text.split())))


def _markdown_rows(section: Section) -> Iterator[str]:
    aligned = (":--", *["--:"] * (len(section.header) - 1))
    for row in (section.header, aligned, *section.rows):
        cells = row if row is aligned else map(_markdown, row)
        yield f"| {' | '.join(cells)} |"


def latex(record: FaithfulnessRecord) -> bytes:
    """A table environment with rules of booktabs, its notes in the caption."""
    table = score_table(record)
    width = max((len(section.header) for section in table.sections), default=2)
    lines = [
        r"% Needs \usepackage{booktabs}; a wide table fits with \resizebox or in landscape.",
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{tex_text(table.title)}. {' '.join(map(tex_text, table.notes))}}}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * (width - 1)}@{{}}}}",
        r"\toprule",
    ]
    for number, section in enumerate(table.sections):
        title = rf"\multicolumn{{{width}}}{{@{{}}l}}{{\emph{{{tex_text(section.title)}}}}}"
        lines += [r"\midrule"] * bool(number) + [rf"{title} \\"]
        rows = [_latex_row(row, width) for row in (section.header, *section.rows)]
        lines += [rows[0], r"\midrule", *rows[1:]]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}", ""]
    return with_sign_commands("\n".join(lines)).encode()


def _latex_row(row: tuple[str, ...], width: int) -> str:
    cells = [*map(tex_text, row), *[""] * (width - len(row))]
    # After \\ of the row before, LaTeX takes a bracket or an asterisk for an option of it.
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return rf"{guard}{' & '.join(cells)} \\"


def csv_table(record: FaithfulnessRecord) -> bytes:
    """A line for each method: all digits, what they are of, and what the checkpoint was."""
    rows = [_csv_row(one, record) for one in (*ranked(record), *_unmeasured(record))]
    names = list(dict.fromkeys(name for row in rows for name in row))
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return content.getvalue().encode()


def _unmeasured(record: FaithfulnessRecord) -> list[MethodScores]:
    return [one for one in record.methods if not one.under]


def _cell(value: object) -> str:
    return guarded(value) if isinstance(value, str) else csv_number(value)


def _csv_row(one: MethodScores, record: FaithfulnessRecord) -> Mapping[str, object]:
    row: dict[str, object] = {
        "method": one.method,
        "label": method_name(one),
        "passes": one.passes,
        "n_texts": one.n_texts,
        "mean_share": record.mean_share(one) if one.under else None,
        "mean_naopc": record.mean_naopc(one) if one.under and record.worst else None,
    }
    for operator in record.random:
        under = one.under.get(operator)
        row |= _csv_numbers(one, operator, record) if under is not None else {}
    if record.planted is not None and record.planted.random is not None:
        planted, chance = record.planted.methods.get(one.method), record.planted.random
        row |= {
            "planted_n_texts": None if planted is None else planted.n_texts,
            **_limits("planted_precision", None if planted is None else planted.precision),
            **_limits("planted_rr", None if planted is None else planted.reciprocal_rank),
            "planted_precision_random": chance.precision,
            "planted_rr_random": chance.reciprocal_rank,
        }
    return row | {
        "refused": one.refused,
        "checkpoint": record.checkpoint,
        "fingerprint": record.fingerprint,
        "data": record.data,
        "data_fingerprint": record.data_fingerprint,
        "record_n_texts": record.n_texts,
        "seed": record.seed,
        "searched": record.searched is not None,
        "judge": None if record.judge is None else record.judge.checkpoint,
        "judge_fingerprint": None if record.judge is None else record.judge.fingerprint,
        "clsight": version(),
    }


def _csv_numbers(
    one: MethodScores, operator: str, record: FaithfulnessRecord
) -> Mapping[str, object]:
    """What a method reaches under an operator, but for metrics that failed their test."""
    under = one.under[operator]
    row: dict[str, object] = {}
    for name in METRICS:
        if name in under.means and record.shows(name, operator):
            row[f"{operator}_{name}"] = under.means[name]
            row |= _limits(f"{operator}_{name}_minus_random", under.minus_random.get(name))
    if record.shows("aopc", operator):
        row |= _limits(f"{operator}_share", under.share)
        row |= _limits(f"{operator}_naopc", under.naopc) if record.worst else {}
        if record.judge is not None:
            row |= _limits(f"{operator}_judge_share", record.judge.share(one.method, operator))
    return row


def _limits(name: str, interval: Interval | None) -> Mapping[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


TABLE_FORMATS: Mapping[str, TableFormat] = MappingProxyType(
    {
        "md": TableFormat("Markdown", "text/markdown", markdown),
        "csv": TableFormat("CSV", "text/csv", csv_table),
        "tex": TableFormat("LaTeX", "application/x-tex", latex),
    }
)
"""By the ending of the file's name."""


def format_of(file: Path) -> TableFormat:
    """The format that the name of a file asks for.

    Raises:
        SelectionError: where it asks for none of them.
    """
    ending = file.suffix.lower().removeprefix(".")
    if ending not in TABLE_FORMATS:
        endings = ", ".join(f".{name}" for name in TABLE_FORMATS)
        raise SelectionError(
            f"--table {quoted(str(file))} is not a table; end its name with one of {endings}."
        )
    return TABLE_FORMATS[ending]
