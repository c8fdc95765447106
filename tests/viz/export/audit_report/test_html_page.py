"""The report as a page: whole, escaped, and forbidden to load anything."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.audits import full_audit
from tests.hostile_names import HOSTILE_NAMES
from tests.hostile_texts import hostile_texts
from viz.data.audit.run import Audit
from viz.export.audit_report.content import audit_document
from viz.export.audit_report.document import Bar, Column, Document, Picture, Section, Table, Text
from viz.export.audit_report.html_page import audit_html

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "nav", "section", "div", "footer"),
    *("h1", "h2", "h3", "p", "ol", "li", "a", "span", "strong", "i", "b", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def full() -> Audit:
    return full_audit()


@pytest.fixture(scope="module")
def document(full: Audit) -> Document:
    return audit_document(full)


def of(*blocks: Text | Table | Picture) -> Document:
    return Document("title", "maker", (Section("part", blocks),))


def test_the_page_holds_every_text_of_the_document(document: Document) -> None:
    written = set(Page(audit_html(document)).texts)
    for section in document.sections:
        assert section.title in written
        for block in section.blocks:
            if isinstance(block, Text):
                assert block.text in written or f" {block.text}" in written
            elif isinstance(block, Table):
                cells = [cell for row in block.rows for cell in row]
                texts = {cell.text if isinstance(cell, Bar) else cell for cell in cells} - {""}
                assert texts <= written
                assert {column.name for column in block.columns} <= written


def test_the_same_audit_gives_the_same_bytes(full: Audit, document: Document) -> None:
    assert audit_html(audit_document(full)) == audit_html(document)


def test_the_page_forbids_itself_to_load_anything(document: Document) -> None:
    page = Page(audit_html(document))
    assert set(page.tags) <= TAGS
    policy = next(value for name, value in page.attributes if name == "content" and value)
    assert policy
    assert "default-src 'none'" in audit_html(document).decode()
    links = [value or "" for name, value in page.attributes if name in ("src", "href")]
    assert links
    assert all(re.match(r"#part-\d+$|data:image/png;base64,", link) for link in links)
    assert not [name for name, _ in page.attributes if name.startswith("on")]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_are_shown_and_do_nothing(name: str) -> None:
    table = Table((Column(name), Column("n", "bar")), ((name, Bar(-1.0, name)),))
    page = Page(audit_html(replace(of(Text(name), table), title=name, maker=name)))
    assert set(page.tags) <= TAGS
    assert {key for key, _ in page.attributes} <= {
        *("lang", "charset", "name", "content", "http-equiv", "class", "dir", "id", "href"),
        *("aria-label", "aria-hidden", "role", "scope", "style", "tabindex"),
    }


def test_any_text_can_be_a_cell() -> None:
    texts = [text for _, text, _ in hostile_texts(160)]
    table = Table((Column("text"),), tuple((text,) for text in texts))
    page = Page(audit_html(of(table)))
    assert page.tags.count("td") == len(texts)
    assert set(page.tags) <= TAGS


def test_bars_go_to_the_side_of_their_sign() -> None:
    rows = (("a", Bar(2.0, "+2")), ("b", Bar(-1.0, "−1")))
    page = audit_html(of(Table((Column("w"), Column("n", "bar")), rows))).decode()
    assert 'class="for" style="left:50.00%;width:50.00%"' in page
    assert 'class="against" style="left:25.00%;width:25.00%"' in page


def test_bars_without_a_sign_begin_at_the_left() -> None:
    rows = (("a", Bar(2.0, "2")), ("b", Bar(0.0, "0")))
    page = audit_html(of(Table((Column("w"), Column("n", "bar")), rows))).decode()
    assert 'style="left:0.00%;width:100.00%"' in page
    assert 'style="left:0.00%;width:0.00%"' in page
