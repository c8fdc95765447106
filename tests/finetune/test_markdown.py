"""Whatever others wrote stands in a model card letter by letter, and does nothing there."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

from finetune.card import model_card, write_card
from finetune.metrics import measure_classes
from finetune.record import BaselineRecord, RunRecord
from finetune.reporting.markdown import NO_BREAK, code, escaped, table

EVIL = (
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


class Shown(HTMLParser):
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


def shown(markdown: str) -> Shown:
    """*markdown* as a reader with tables and raw HTML shows it."""
    return Shown(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))


def on_a_line(text: str) -> str:
    """*text* as it may be shown: on one line, a box for what can't be seen."""
    return re.sub(
        "[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", "\ufffd", " ".join(text.split())
    )


@pytest.mark.parametrize("text", EVIL)
def test_a_name_is_shown_letter_by_letter(text: str) -> None:
    for markdown in (escaped(text), f"# {escaped(text)}", f"- {escaped(text)}"):
        found = shown(markdown)
        assert found.text.replace(NO_BREAK, "").strip() == on_a_line(text)
        assert set(found.tags) <= {"p", "h1", "ul", "li"}
    found = shown(table(["class", escaped(text)], [[escaped(text), "1"]]))
    assert found.tags.count("td") == found.tags.count("th") == 2
    assert "a" not in found.tags


@pytest.mark.parametrize("text", EVIL)
def test_a_block_of_code_ends_where_it_should(text: str) -> None:
    found = shown(code(text.replace("\ud83d", "?"), "sh") + "\n\nafter")
    assert found.tags == ["pre", "code", "p"]
    assert found.text.endswith("after\n")


@pytest.mark.parametrize("text", EVIL)
def test_names_in_every_place_of_a_card_change_nothing_of_it(
    text: str, record: RunRecord, tmp_path: Path
) -> None:
    known = replace(
        record,
        baselines=(
            BaselineRecord(
                name="plain", setting="words", validation=record.validation, test=None, seconds=1.0
            ),
        ),
    )
    labels = (text, f"{text} 2")
    validation = measure_classes(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), labels)
    counts = dict.fromkeys(labels, 2)
    evil = replace(
        known,
        command=f"python -m finetune train --data '{text}'",
        base=text,
        labels=labels,
        data_name=text,
        data_terms=text,
        settings=record.settings | {"output": text},
        splits={name: replace(s, class_counts=counts) for name, s in record.splits.items()},
        validation_origin=text,
        notes=(text,),
        check=(text,),
        device=text,
        versions={"torch": text},
        validation=validation,
        baselines=(replace(known.baselines[0], name=text, setting=text, validation=validation),),
    )
    write_card(evil, tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    _, head, body = card.split("---\n", 2)
    usual = replace(known, check=("x",), data_terms="x", base="x y")
    _, plain_head, plain_body = model_card(usual, ()).split("---\n", 2)
    values = yaml.safe_load(head)
    assert values.keys() - {"base_model"} == yaml.safe_load(plain_head).keys()
    assert values["model-index"][0]["name"] == on_a_line(text)
    assert shown(body).tags == shown(plain_body).tags
    evil.save(tmp_path)
    assert RunRecord.load(tmp_path).notes == (text.replace("\ud83d", "\ufffd"),)
