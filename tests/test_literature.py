"""What the pages on methods and on faithfulness tell is what the code and its records say."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from viz import METHODS
from viz.attribution import Method
from viz.faithfulness import record, sanity_record
from viz.model.classifier import default_checkpoint

ROOT = Path(__file__).resolve().parents[1]
ATTRIBUTION = (ROOT / "viz/attribution/README.md").read_text("utf-8")
FAITHFULNESS = (ROOT / "viz/faithfulness/README.md").read_text("utf-8")
MEASURED = record.load(default_checkpoint() / record.FILE)
CHECKED = sanity_record.load(default_checkpoint() / sanity_record.FILE)
SECTIONS = {
    name: text
    for section in re.split(r"^##+ ", ATTRIBUTION, flags=re.MULTILINE)
    for name, text in re.findall(r"\A[^\n]*\(`([^`]+)`\)\n(.*)\Z", section, re.DOTALL)
}
"""What is said of each method, by its name."""


def row(method: Method) -> str:
    """The line of a method in the table of all methods."""
    signed, of_class = ("yes" if each else "no" for each in (method.signed, method.class_specific))
    return (
        f"| `{method.name}` | {method.label} | {signed} | {of_class} | {method.cost:g} "
        f"| {method.operator or '–'} |"
    )


def written(value: float | None) -> str:
    """A number as the tables have it: two decimals and a true minus."""
    if value is None:
        return "–"
    return f"{value:.2f}".replace("-", "−").replace("0.", ".", 1)


def test_the_table_of_methods_is_that_of_the_code() -> None:
    lines = [line for line in ATTRIBUTION.splitlines() if line.startswith("| `")]
    assert lines == [row(method) for method in METHODS.values()]


def test_every_method_has_a_section() -> None:
    assert set(SECTIONS) == set(METHODS)
    assert all("**Source**" in text for text in SECTIONS.values())


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"search", "random"}))
def test_a_section_says_what_was_measured(name: str) -> None:
    (scored,) = (one for one in MEASURED.methods if one.method == name)
    shares = [scored.under[operator].share for operator in ("mask", "delete")]
    said = re.search(r"\*\*Measured\*\* (\S+) and (−?\.\d\d)", SECTIONS[name])
    assert said is not None
    assert list(said.groups()) == [written(share.mean) for share in shares if share is not None]


def test_the_table_of_sanity_checks_is_that_of_the_record() -> None:
    told = re.findall(r"^\| ([^|]+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| ", FAITHFULNESS, re.M)
    assert told == [
        (
            each.label,
            *(written(value) for value in (each.cascade[0], *each.after, each.between_classes)),
        )
        for each in CHECKED.methods
    ]
    prose = " ".join(FAITHFULNESS.split())
    assert f"Chance reaches {written(CHECKED.chance)} on average" in prose
    assert f"95% of draws stay below {written(CHECKED.limit)}" in prose


def test_what_the_sanity_checks_flag_is_told() -> None:
    flagged = {each.label for each in CHECKED.methods if CHECKED.flags(each)}
    told = re.findall(r"^\| ([^|]+) \|.*\| (?:in part|no reaction) \|$", FAITHFULNESS, re.M)
    assert set(told) == flagged


CITATION = re.compile(r"([a-z/]+README\.md)\s((?:\d+(?:\.\d+)?(?:,\s|\sand\s|\sto\s)?)+)")
"""How docstrings cite a section: the page, and its number or numbers."""


def cited(file: Path) -> Iterator[tuple[str, str]]:
    """The pages and sections that a file cites; of a range, all."""
    for page, numbers in CITATION.findall(file.read_text("utf-8")):
        for first, last in re.findall(r"([\d.]*\d)(?:\sto\s([\d.]*\d))?", numbers):
            chapter, _, start = first.rpartition(".")
            stop = last.rpartition(".")[2] or start
            for number in range(int(start), int(stop) + 1):
                yield page, f"{chapter}.{number}".lstrip(".")


def headings(page: str) -> set[str]:
    """The numbers of the sections of a page."""
    text = (ROOT / page).read_text("utf-8")
    return set(re.findall(r"^##+ (\d+(?:\.\d+)?)", text, re.MULTILINE))


def test_every_section_that_is_cited_exists() -> None:
    sources = [
        file for room in ("viz", "finetune", "tests") for file in (ROOT / room).rglob("*.py")
    ]
    found = {(file, *each) for file in sources for each in cited(file)}
    assert len(found) >= 26
    assert [each for each in found if each[2] not in headings(each[1])] == []
    elsewhere = re.compile(r"\battribution\.md")
    assert [file for file in sources if elsewhere.search(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("name", METHODS)
def test_the_file_of_a_method_cites_its_section(name: str) -> None:
    (number,) = re.findall(rf"^### ([\d.]+) .*\(`{re.escape(name)}`\)$", ATTRIBUTION, re.MULTILINE)
    home = Path(inspect.getfile(METHODS[name].score))
    assert ("viz/attribution/README.md", number) in set(cited(home))


@pytest.mark.parametrize("page", [ATTRIBUTION, FAITHFULNESS])
def test_sections_are_numbered_in_order_and_each_once(page: str) -> None:
    numbers = [
        tuple(map(int, number.split("."))) for number in re.findall(r"^##+ ([\d.]*\d)", page, re.M)
    ]
    assert numbers == sorted(set(numbers))
    for cited in re.findall(r"\((?:sections? )?(\d+\.\d+)\)", page):
        assert tuple(map(int, cited.split("."))) in numbers, cited
