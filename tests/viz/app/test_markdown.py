"""Whatever others wrote stands on a page letter by letter, and does nothing there."""

import pytest

from finetune.data.tables.safe_text import WORD_JOINER
from tests.hostile_names import HOSTILE_NAMES, on_a_line, render_markdown
from viz.app.markdown import plain


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_a_name_is_shown_letter_by_letter(text: str) -> None:
    for markdown in (plain(text), f"Of {plain(text)}", f"- {plain(text)}"):
        found = render_markdown(markdown)
        assert found.text.replace(WORD_JOINER, "").removeprefix("Of ").strip() == on_a_line(text)
        assert set(found.tags) <= {"p", "ul", "li"}


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", ":smile:", "$x^2$", ":small[x]"])
def test_the_marks_of_streamlit_are_escaped(text: str) -> None:
    assert not {":", "$", "["} & set(
        plain(text).replace("\\:", "").replace("\\$", "").replace("\\[", "")
    )


def test_an_address_is_no_link() -> None:
    assert plain("https://a.example") == f"https\\://{WORD_JOINER}a.example"
    assert (
        plain("www.a.example me@a.example")
        == f"www.{WORD_JOINER}a.example me@{WORD_JOINER}a.example"
    )
