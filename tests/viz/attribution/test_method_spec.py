"""A method with its options, written in one word."""

import pytest

from viz.attribution.method_spec import MethodSpec
from viz.errors import MethodError


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("lime2", r"^Unknown method 'lime2'; known are .*\.$"),
        ("occlusion:delete", r"^'occlusion:delete' can't be understood; write an option as occl"),
        ("occlusion:operator=x", r"^operator of occlusion can't be 'x'; it can be mask, delete\.$"),
        ("random:seed=x", r"^seed of random can't be 'x'; it can be 0 to 1000000\.$"),
        ("random:steps=1", r"^Random has no option 'steps'; it has seed\.$"),
    ],
)
def test_an_entry_that_makes_no_sense_is_one_sentence(entry: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        MethodSpec.parse(entry)


def test_options_are_read_from_an_entry() -> None:
    spec = MethodSpec.parse("shapley:permutations=20:operator=delete")
    assert spec.method.name == "shapley"
    assert dict(spec.options) == {"permutations": 20, "operator": "delete", "seed": 0}
