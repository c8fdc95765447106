"""Records on disk, each damaged in many ways: shown, or refused in one sentence, never raised.

The full count is `python -m tests.benchmarks.mutated_records`.
"""

from collections.abc import Iterator

import pytest

from tests.benchmarks.mutated_records import Kind, Kinds, check
from viz.runs import files

COUNT = 24
NAMES = (
    "run.json",
    "run.json of scores",
    "settings",
    "note",
    "events",
    "faithfulness.json",
    "sanity.json",
    "audit.json",
    "partial results",
    "saved attention",
    "saved attribution",
    "index",
    "table",
    "settings of an export",
    "check report",
    "manifest",
    "recipe",
)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Kind]]:
    """A right file of each kind."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("records")
        patch.setenv(files.FOLDER_VARIABLE, str(place / "runs"))
        yield Kinds(place).all()


def test_every_kind_is_damaged(kinds: dict[str, Kind]) -> None:
    assert tuple(kinds) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_record_is_shown_or_refused_in_one_sentence(
    kinds: dict[str, Kind], name: str
) -> None:
    found = check(name, kinds[name], COUNT, seed=1)
    assert found.raised == ()
    assert found.shown + found.refused == COUNT
