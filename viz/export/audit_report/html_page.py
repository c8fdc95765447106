"""A document as one HTML file that opens anywhere: no scripts, and nothing to load."""

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from finetune.data.tables.safe_text import printable
from viz.colors import PALETTES, Palette
from viz.export.audit_report.document import (
    GUIDE,
    Bar,
    Block,
    Cell,
    Document,
    Picture,
    Section,
    Table,
    Text,
)

CSS_DPI = 96
"""Pixels of a page to an inch."""


def audit_html(document: Document) -> bytes:
    """The page; it follows the reader's light or dark setting, and is printed light."""
    sections = list(enumerate(document.sections, start=1))
    page = _PAGE.format(
        title=_text(document.title),
        style=_style(),
        contents="\n".join(
            f'<li><a href="#part-{number}">{_text(section.title)}</a></li>'
            for number, section in sections
        ),
        sections="\n".join(
            line for number, section in sections for line in _section(number, section)
        ),
        maker=_text(document.maker),
    )
    return page.encode("utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';
 img-src data:; base-uri 'none'; form-action 'none'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1 dir="auto">{title}</h1>
<nav aria-label="Contents"><ol>
{contents}
</ol></nav>
<main>
{sections}
</main>
<footer>{maker}</footer>
</body>
</html>
"""

_RULES = """
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); margin: 0 auto; max-width: 64rem;
 padding: 1.5rem 1rem 3rem; font: 15px/1.5 "Source Sans 3", "Source Sans Pro", system-ui,
 -apple-system, "Segoe UI", "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; padding-top: .75rem;
 border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p { margin: .4rem 0; max-width: 48rem; }
a { color: var(--accent); }
nav ol { columns: 14rem; margin: 0; padding-left: 1.5rem; }
.guide, .note, .missing, footer { color: var(--muted); font-size: .9rem; }
.note { border-left: 3px solid var(--line); padding-left: .6rem; }
.missing { font-style: italic; }
.table { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px;
 width: fit-content; max-width: 100%; }
table { border-collapse: collapse; font-size: .87rem; overflow-wrap: break-word; }
th, td { padding: .3rem .6rem; text-align: start; vertical-align: top;
 border-top: 1px solid var(--line); max-width: 26rem; }
thead th { border-top: 0; color: var(--muted); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .number { white-space: normal; }
td.long { min-width: 17rem; }
td.bar { min-width: 11rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.track { display: inline-block; position: relative; width: 6rem; height: .75rem;
 margin-right: .5rem; vertical-align: -.1rem; }
.track i { position: absolute; top: 0; bottom: 0; background: var(--for); }
.track i.against { background: var(--against); }
.track b { position: absolute; top: -.15rem; bottom: -.15rem; width: 1px;
 background: var(--muted); }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px;
 border: 1px solid var(--line); margin: .75rem 0; }
footer { margin-top: 3rem; }
@media print {
 body { max-width: none; padding: 0; font-size: 10pt; }
 nav { display: none; }
 h2, h3 { break-after: avoid; }
 tr, img { break-inside: avoid; }
 .table { overflow: visible; border: 0; }
 td.bar, .number { white-space: normal; }
 td.bar, td.long { min-width: 0; }
 .track { width: 3.5rem; }
 * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""


def _style() -> str:
    light, dark = (_variables(PALETTES[theme]) for theme in ("light", "dark"))
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}{_RULES}"
    )


def _variables(palette: Palette) -> str:
    colors = {
        "ground": palette.ground,
        "ink": palette.ink,
        "muted": palette.muted,
        "line": palette.line,
        "accent": palette.accent,
        "for": palette.diverging[-2],
        "against": palette.diverging[1],
    }
    return " ".join(f"--{name}: {color};" for name, color in colors.items())


def _section(number: int, section: Section) -> Iterator[str]:
    yield f'<section id="part-{number}">'
    yield f"<h2>{_text(section.title)}</h2>"
    for block in section.blocks:
        yield _block(block, section.title)
    yield "</section>"


def _block(block: Block, title: str) -> str:
    if isinstance(block, Text):
        tag = "h3" if block.kind == "heading" else "p"
        guide = f"<strong>{GUIDE}</strong> " if block.kind == "guide" else ""
        return f'<{tag} class="{block.kind}">{guide}{_text(block.text)}</{tag}>'
    return _picture(block) if isinstance(block, Picture) else "\n".join(_table(block, title))


def _picture(picture: Picture) -> str:
    width = round(picture.size[0] / picture.dpi * CSS_DPI)
    data = b64encode(picture.png).decode("ascii")
    alternative = _text(picture.alternative)
    return f'<img src="data:image/png;base64,{data}" alt="{alternative}" width="{width}">'


def _table(table: Table, title: str) -> Iterator[str]:
    yield f'<div class="table" role="region" aria-label="{_text(title)}" tabindex="0"><table>'
    heads = (
        f'<th scope="col" class="{column.kind}">{_text(column.name)}</th>'
        for column in table.columns
    )
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    scales = [(table.largest(place), table.is_signed(place)) for place in range(len(table.columns))]
    for row in table.rows:
        cells = (
            f'<td class="{column.kind}" dir="auto">{_cell(cell, *scale)}</td>'
            for cell, column, scale in zip(row, table.columns, scales, strict=True)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Cell, largest: float, signed: bool) -> str:
    return _bar(cell, largest, signed) if isinstance(cell, Bar) else _text(cell)


def _bar(bar: Bar, largest: float, signed: bool) -> str:
    """A bar from the middle of its track where others go to the left, else from its left end."""
    zero, unit = (50.0, 50.0) if signed else (0.0, 100.0)
    length = unit * abs(bar.value) / largest
    left, kind = (zero - length, "against") if bar.value < 0 else (zero, "for")
    track = (
        f'<i class="{kind}" style="left:{left:.2f}%;width:{length:.2f}%"></i>'
        f'<b style="left:{zero:.0f}%"></b>'
    )
    return f'<span class="track" aria-hidden="true" dir="ltr">{track}</span>{_text(bar.text)}'


def _text(text: str) -> str:
    """Texts are data: escaped, and without characters that steer a screen."""
    return escape(printable(text))
