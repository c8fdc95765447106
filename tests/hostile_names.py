"""Names that others may give, and what a page makes of them."""

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "[x](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "[x]: https://evil.example",
    "<https://evil.example>",
    "https://evil.example/www.evil.example",
    "me@evil.example",
    "a|b||c",
    "`code` ``two``",
    "```\n<script>alert(1)</script>\n```",
    "~~~",
    "**bold** _it_ ~~gone~~",
    "# head",
    "> quote",
    "- item",
    "--- ",
    "===",
    "1. item",
    "&lt;b&gt; &copy; &#60;",
    r"\(x\) \[y\] \| \\",
    "$x$ $$y$$",
    "---\nlicense: evil\n---",
    "a\n\nb\r\nc\u2028d\x85e",
    "    four spaces",
    "<!-- comment",
    "</details><details open>",
    "{{ template }} {% raw %}",
    ":smile: :red[x] :material/home:",
    "\ud83d half",
    "\x1b[31mred\x07",
    "a\u202egnp.exe",
    "'quotes' \"both\"",
)


class RenderedMarkdown(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def render_markdown(markdown: str) -> RenderedMarkdown:
    """*markdown* as a reader with tables and raw HTML shows it."""
    return RenderedMarkdown(
        MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    )


def on_a_line(text: str) -> str:
    """*text* as it may be shown: on one line, a box for what can't be seen."""
    return re.sub(
        "[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", "\ufffd", " ".join(text.split())
    )
