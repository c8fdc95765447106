"""The report on paper: the same numbers as the page, real text, and nothing cut off."""

import re
import zlib
from collections.abc import Sequence

import pytest
from matplotlib.figure import Figure

from tests.audits import full_audit
from tests.hostile_names import HOSTILE_NAMES
from tests.hostile_texts import hostile_texts
from viz.export.audit_report.content import audit_document
from viz.export.audit_report.document import Bar, Column, Document, Picture, Section, Table, Text
from viz.export.audit_report.pdf_pages import HEIGHT, WIDTH, audit_pdf, pdf_figures
from viz.export.audit_report.pdf_table import BAR_WIDTH, PdfTable
from viz.figures.canvas import TextLine, text_lines
from viz.figures.text.fonts import text_width


@pytest.fixture(scope="module")
def document() -> Document:
    return audit_document(full_audit())


@pytest.fixture(scope="module")
def pages(document: Document) -> list[Figure]:
    return pdf_figures(document)


def of(*blocks: Text | Table | Picture) -> Document:
    return Document("title", "maker", (Section("part", blocks),))


def written(pages: Sequence[Figure]) -> str:
    """All that stands on pages, without blanks, for lines are broken there."""
    return re.sub(r"\s", "", "".join(line.text for page in pages for line in text_lines(page)))


def ends(line: TextLine) -> tuple[float, float]:
    """From where to where a line goes."""
    width = text_width(line.text, line.style)
    left = line.x - {"left": 0.0, "center": width / 2, "right": width}[line.align]
    return left, left + width


def assert_inside(pages: Sequence[Figure]) -> None:
    for page in pages:
        for line in text_lines(page):
            left, right = ends(line)
            assert 0 < left <= right < WIDTH, line
            assert 0 < line.y < HEIGHT, line


def test_the_pages_hold_every_text_of_the_document(document: Document, pages: list[Figure]) -> None:
    shown = written(pages)
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Text):
                assert re.sub(r"\s", "", block.text) in shown
            elif isinstance(block, Table):
                for cell in (cell for row in block.rows for cell in row):
                    text = cell.text if isinstance(cell, Bar) else cell
                    # A cell on several lines stands beside others, line by line.
                    for word in text.split():
                        assert word in shown or len(word) > 20


def test_no_text_leaves_its_page(pages: list[Figure]) -> None:
    assert len(pages) > 3
    assert_inside(pages)


def test_pages_are_numbered(pages: list[Figure]) -> None:
    for place, page in enumerate(pages, start=1):
        assert f"{place} / {len(pages)}" in [line.text for line in text_lines(page)]


def test_a_table_over_pages_repeats_its_head() -> None:
    rows = tuple((f"row {row}", Bar(row, str(row))) for row in range(200))
    pages = pdf_figures(of(Table((Column("the name"), Column("n", "bar")), rows)))
    assert len(pages) > 3
    heads = [[line.text for line in text_lines(page)].count("the name") for page in pages]
    assert heads == [1] * len(pages)
    assert all(f"row{row}" in written(pages) for row in range(200))


def test_a_table_is_no_wider_than_its_page() -> None:
    columns = tuple(Column(f"a column of number {place}") for place in range(9))
    table = Table(columns, (("a few words of a cell",) * 8 + ("x" * 400,),))
    laid = PdfTable(table, 500)
    assert laid.widths.sum() == pytest.approx(500)
    assert laid.rows[0][-1][-1].endswith("…")
    assert sum(len(line) for line in laid.rows[0][0]) > 10


def test_short_cells_stay_on_one_line() -> None:
    cells = ("83.33%", Bar(1.0, "+0.60 (+0.40 to +0.80)"), "a sentence that is long " * 9)
    laid = PdfTable(Table(tuple(map(Column, "abc")), (cells,)), 500)
    assert [len(lines) for lines in laid.rows[0][:2]] == [1, 1]
    assert laid.widths[1] > BAR_WIDTH
    assert len(laid.rows[0][2]) > 1


def test_the_file_is_the_same_every_time_and_holds_its_text() -> None:
    document = of(Text("Accuracy 83.33%"), Table((Column("n"),), (("0.8286",),)))
    content = audit_pdf(document)
    assert content == audit_pdf(document)
    assert content.startswith(b"%PDF-")
    assert b"CreationDate" not in content
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    shown = b"".join(zlib.decompressobj().decompress(each) for each in streams if each[:1] == b"x")
    assert b"/ToUnicode" in content
    assert b" Tf" in shown


def test_what_no_font_has_is_said_at_the_end() -> None:
    last = text_lines(pdf_figures(of(Text("oil \U0010fffd prices")))[-1])
    assert any("U+10FFFD" in line.text for line in last)


def test_any_name_and_any_text_can_be_set() -> None:
    texts = [text for _, text, _ in hostile_texts(16)]
    cells = tuple((text[:80], "1") for text in (*HOSTILE_NAMES, *texts))
    table = Table((Column("text", "long"), Column("n", "number")), cells)
    document = of(*map(Text, HOSTILE_NAMES), table)
    assert_inside(pdf_figures(document))
    assert audit_pdf(document).startswith(b"%PDF-")
