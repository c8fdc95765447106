"""A document as PDF: pages of A4 with real text, made without a browser."""

from collections.abc import Iterator
from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

from finetune.data.tables.safe_text import printable
from viz.colors import LIGHT
from viz.export.audit_report.document import (
    GUIDE,
    Bar,
    Block,
    Document,
    Picture,
    Table,
    Text,
    TextKind,
)
from viz.export.audit_report.pdf_table import PdfTable, cut
from viz.figures.canvas import LEADING, NOTE, Canvas
from viz.figures.file_formats import pdf_document
from viz.figures.raster import Box
from viz.figures.text.fonts import Style
from viz.figures.text.line_wrap import wrap
from viz.figures.text.missing_fonts import missing_fonts

WIDTH, HEIGHT = 595.0, 842.0
"""A4 in points."""
EDGE, FOOT = 48.0, 30.0
"""Points left free along the edges, and from the lower one to the number of the page."""
TITLE, SECTION = Style(16, weight="bold"), Style(12, weight="bold")
STYLES: dict[TextKind, Style] = {
    "plain": Style(9),
    "heading": Style(9.5, weight="bold"),
    "guide": Style(8, LIGHT.muted),
    "note": Style(8, LIGHT.muted),
    "missing": Style(9, LIGHT.muted),
}
GAP = 6.0
"""Points between two blocks."""
KEPT_HEIGHT = 70.0
"""Points that have to be left on a page below a heading."""
MAX_PICTURE_WIDTH, MAX_PICTURE_HEIGHT = 270.0, 540.0
MAX_LINES = 60
"""Of a paragraph; what is longer is cut."""
DRAWING_DPI = 72


def audit_pdf(document: Document) -> bytes:
    """The document as a PDF; the same one gives the same bytes."""
    return pdf_document(pdf_figures(document), document.title)


def pdf_figures(document: Document) -> list[Figure]:
    """The pages, each a figure."""
    pages = _Pages()
    pages.add_text(document.title, TITLE)
    for section in document.sections:
        pages.skip(2 * GAP)
        pages.keep(KEPT_HEIGHT)
        pages.add_text(section.title, SECTION)
        for block in section.blocks:
            pages.add(block)
    pages.skip(2 * GAP)
    for note in missing_fonts(_texts(document)):
        pages.add_text(note, NOTE)
    pages.number(f"{document.title} · {document.maker}")
    return [canvas.figure for canvas in pages.canvases]


class _Pages:
    """Pages that fill from the top; a block that doesn't fit begins the next one."""

    def __init__(self) -> None:
        self.canvases: list[Canvas] = []
        self._y = HEIGHT

    def keep(self, height: float) -> None:
        """Begin a page where so many points are not left on the last one."""
        if self._y + height > HEIGHT - EDGE:
            self.canvases.append(Canvas(WIDTH, HEIGHT, DRAWING_DPI))
            self._y = EDGE

    def skip(self, height: float) -> None:
        """Leave points free."""
        self._y += height

    def add(self, block: Block) -> None:
        """Set a block below what is there."""
        if isinstance(block, Table):
            self._add_table(PdfTable(block, WIDTH - 2 * EDGE))
        elif isinstance(block, Picture):
            self._add_picture(block)
        else:
            if block.kind == "heading":
                self.skip(GAP)
                self.keep(KEPT_HEIGHT)
            text = f"{GUIDE} {block.text}" if block.kind == "guide" else block.text
            self.add_text(text, STYLES[block.kind])

    def add_text(self, text: str, style: Style) -> None:
        """Set a paragraph."""
        for line in cut(wrap(printable(text), style, WIDTH - 2 * EDGE), MAX_LINES):
            self.keep(style.size * LEADING)
            self.canvases[-1].text(EDGE, self._y + style.size, line, style)
            self._y += style.size * LEADING
        self._y += GAP / 2

    def number(self, text: str) -> None:
        """Number the pages, and set a line at the foot of each."""
        line = wrap(printable(text), NOTE, WIDTH - 2 * EDGE - 50)[:1]
        for place, canvas in enumerate(self.canvases, start=1):
            canvas.text(EDGE, HEIGHT - FOOT, "".join(line), NOTE)
            count = f"{place} / {len(self.canvases)}"
            canvas.text(WIDTH - EDGE, HEIGHT - FOOT, count, NOTE, align="right")

    def _add_table(self, table: PdfTable) -> None:
        self.skip(GAP)
        first = table.row_height(0) if table.rows else 0.0
        self.keep(table.head_height + first)
        self._add_head(table)
        for row in range(len(table.rows)):
            before = len(self.canvases)
            self.keep(table.row_height(row))
            if len(self.canvases) > before:
                self._add_head(table)
            table.draw_row(self.canvases[-1], row, EDGE, self._y)
            self._y += table.row_height(row)
        self.skip(GAP)

    def _add_head(self, table: PdfTable) -> None:
        table.draw_head(self.canvases[-1], EDGE, self._y)
        self._y += table.head_height

    def _add_picture(self, picture: Picture) -> None:
        sides = [side / picture.dpi * 72 for side in picture.size]
        limits = MAX_PICTURE_WIDTH, MAX_PICTURE_HEIGHT
        scale = min(1.0, *(most / side for most, side in zip(limits, sides, strict=True)))
        width, height = (scale * side for side in sides)
        self.keep(height)
        with Image.open(BytesIO(picture.png)) as image:
            image.load()
            self.canvases[-1].picture(Box(EDGE, self._y, width, height), image)
        self._y += height + GAP


def _texts(document: Document) -> Iterator[str]:
    """Every text that may be of the reader's."""
    yield document.title
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Text):
                yield block.text
            elif isinstance(block, Table):
                for row in block.rows:
                    yield from (cell.text if isinstance(cell, Bar) else cell for cell in row)
