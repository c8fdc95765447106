"""Heads as they are written in links, on the command line and for readers."""

import pytest

from viz.attention.heads import head_list, heads_off, parse_heads
from viz.errors import SelectionError


@pytest.mark.parametrize(
    ("text", "heads", "written"),
    [
        ("3.7", [(3, 7)], "3.7"),
        ("4.2, 3.7 3.7", [(3, 7), (4, 2)], "3.7,4.2"),
        ("1", [(1, head) for head in range(12)], "1"),
        ("1,1.3,0.11", [(0, 11), *((1, head) for head in range(12))], "0.11,1"),
        ("", [], ""),
    ],
)
def test_heads_are_written_and_read_back(
    text: str, heads: list[tuple[int, int]], written: str
) -> None:
    parsed = parse_heads(text, 6, 12)
    assert list(parsed) == heads
    assert head_list(parsed, 12) == written
    assert parse_heads(head_list(parsed), 6, 12) == parsed


@pytest.mark.parametrize("text", ["x", "3.", ".7", "3.7.1", "-1", "3:7", "3,7;", "٣.٧", "1e1"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match=r"is not a head; write 3\.7 for head 7 of layer 3"):
        parse_heads(text, 6, 12)


@pytest.mark.parametrize(
    ("text", "head"), [("6", 0), ("3.12", 12), ("6.0", 0), ("9999.9999", 9999)]
)
def test_a_head_that_does_not_exist_is_refused(text: str, head: int) -> None:
    with pytest.raises(
        SelectionError, match=rf"^Head {head} of layer \d+ does not exist; .* 0 to 5 .* 0 to 11\.$"
    ):
        parse_heads(text, 6, 12)


def test_a_reader_is_told_of_them_in_few_words() -> None:
    assert heads_off(()) == "all heads on"
    assert heads_off([(3, 7)]) == "head L3 · H7 off"
    several = [(1, 3), (1, 4), *((4, head) for head in range(12)), (5, 0)]
    assert heads_off(several) == "heads L1 · H3, H4; L4 · H0–H11; L5 · H0 off"
