"""Methods added from outside: offered everywhere, or refused in one sentence."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.readmes import ROOT, Readme
from viz import METHODS, Classifier, Reading, attribute, register_method
from viz.attribution import (
    AttributionInput,
    Method,
    Option,
    TokenScores,
    available_methods,
    registry,
)
from viz.attribution.method_spec import MethodSpec
from viz.errors import MethodError
from viz.export import FigureSpec, render
from viz.export.json_reader import read_records
from viz.export.replay import replay
from viz.faithfulness.compare import compare
from viz.faithfulness.score import default_methods
from viz.faithfulness.score_row import ScoreConfig
from viz.model.perturbation import Perturbation

NAME = "probability-drop"


def _ones(inputs: AttributionInput) -> TokenScores:
    return TokenScores(np.ones(inputs.reading.encoding.n_tokens))


OWN = Method(
    name="ones",
    label="Ones",
    signed=False,
    cost=0,
    description="One for each token.",
    reference="This test",
    score=_ones,
)


@pytest.fixture
def added(own_methods: None, classifier: Classifier, reading: Reading) -> Method:
    """The method of the README, its code run as printed."""
    (example,) = (
        block
        for block in Readme(ROOT / "viz/README.md").blocks("python")
        if "register_method" in block
    )
    names: dict[str, Any] = {"classifier": classifier, "reading": reading}
    exec(example, names)
    assert METHODS[NAME] is names["PROBABILITY_DROP"]
    return METHODS[NAME]


def test_the_method_of_the_readme_computes_what_it_says(
    added: Method, classifier: Classifier, reading: Reading
) -> None:
    scores = attribute(classifier, reading, NAME).scores
    words = Perturbation(classifier, reading.encoding)
    first = np.ones((1, words.n_words), dtype=bool)
    first[0, 0] = False
    left = classifier.probabilities(words.logits(first, "mask"))[0]
    target = reading.prediction.predicted_class
    expected = reading.prediction.probabilities[target] - left[target]
    np.testing.assert_allclose(words.to_words(scores)[0], expected, rtol=1e-4, atol=1e-7)


def test_an_added_method_is_offered_everywhere(
    added: Method, classifier: Classifier, reading: Reading
) -> None:
    assert list(METHODS)[-1] == NAME
    assert NAME in available_methods(classifier)
    assert NAME in default_methods()
    assert MethodSpec.parse(NAME).method is added
    assert ScoreConfig((NAME,)).methods == (NAME,)
    rows = compare(classifier, reading, ["decomposition", NAME]).rows
    assert [row.method for row in rows if row.refused is None] == ["decomposition", NAME]


def _choice(checkpoint: str) -> None:
    from viz.app.panels.method import choose_method

    choose_method(checkpoint)


def test_the_page_offers_an_added_method(added: Method, checkpoint: Path) -> None:
    app = AppTest.from_function(_choice, args=(str(checkpoint),), default_timeout=60).run()
    (choice,) = (box for box in app.selectbox if box.label == "Method")
    assert any(option.startswith("Probability drop") for option in choice.options)


def test_an_added_method_is_exported_and_replayed(
    added: Method, classifier: Classifier, reading: Reading, tmp_path: Path
) -> None:
    file = tmp_path / "figure.json"
    spec = FigureSpec(reading, "attribution", attribution=attribute(classifier, reading, NAME))
    file.write_bytes(render(spec, "json"))
    assert b"Probability drop" in render(spec, "html")
    (saved,) = read_records(file)
    assert all(part.agrees for part in replay(saved, classifier))


def test_a_method_need_not_be_registered_for_its_scores(
    classifier: Classifier, reading: Reading
) -> None:
    attribution = attribute(classifier, reading, OWN)
    assert attribution.method == "ones"
    assert (attribution.scores == 1).all()
    assert "ones" not in METHODS


@pytest.mark.parametrize(
    ("name", "label", "message"),
    [
        ("lime", "New", "There is a method 'lime' already; take another name."),
        ("new", "LIME", "'LIME' is the label of the method 'lime'; take another label."),
        ("new", "lime", "'lime' is the label of the method 'lime'; take another label."),
    ],
)
def test_names_that_are_taken_are_refused(
    own_methods: None, name: str, label: str, message: str
) -> None:
    before = dict(METHODS)
    with pytest.raises(MethodError, match=f"^{re.escape(message)}$"):
        register_method(replace(OWN, name=name, label=label))
    assert dict(METHODS) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My method"}, "'My method' can't be the name of a method"),
        ({"name": "lime:rows=3"}, "can't be the name of a method"),
        ({"name": "../lime"}, "can't be the name of a method"),
        ({"name": ""}, "'' can't be the name of a method"),
        ({"name": None}, "can't be the name of a method"),
        ({"label": " "}, "The label of 'ones' has to be one line of text."),
        ({"description": "one\ntwo"}, "The description of 'ones' has to be one line of text."),
        ({"cost": -1}, "The cost of 'ones' is -1; it has to be a number of forward passes"),
        ({"cost": float("nan")}, "The cost of 'ones' is nan"),
        ({"score": "ones"}, "has to be a function from AttributionInput to TokenScores."),
        ({"operator": "blur"}, "can't be 'blur'; it can be mask, delete, both, or None."),
        ({"options": (Option("a=b", "A", 1, "."),)}, "need names of letters, digits and '_'"),
        ({"options": (Option("a", "A", 0, "."),)}, "a of ones can't be 0; it can be 1 to 1000000."),
    ],
)
def test_a_malformed_method_is_refused_in_a_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MethodError, match=re.escape(message)):
        replace(OWN, **changes)


def test_only_methods_can_be_registered(own_methods: None) -> None:
    with pytest.raises(MethodError, match=r"A method is a viz\.attribution\.Method, not function"):
        register_method(_ones)  # type: ignore[arg-type]


def test_an_own_method_must_not_pass_for_another(classifier: Classifier, reading: Reading) -> None:
    with pytest.raises(MethodError, match="There is another method 'lime'; take another name"):
        attribute(classifier, reading, replace(OWN, name="lime"))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (TokenScores(np.ones(2)), r"'ones' returned scores of shape \(2,\); one score for each of"),
        (np.ones(3), "'ones' returned ndarray, not TokenScores"),
    ],
)
def test_scores_that_are_not_one_a_token_are_refused(
    classifier: Classifier, reading: Reading, made: Any, message: str
) -> None:
    with pytest.raises(MethodError, match=message):
        attribute(classifier, reading, replace(OWN, score=lambda inputs: made))


def package(folder: Path, name: str, code: str, value: str) -> None:
    """An installed package with a method among its entry points."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[clsight.methods]\n{name} = {value}\n")


def test_an_installed_package_brings_methods(
    own_methods: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
from dataclasses import replace
from tests.viz.attribution.test_registry import OWN
from viz import register_method
FIRST = replace(OWN, name="first", label="First")
register_method(replace(OWN, name="second", label="Second"))
"""
    package(tmp_path, "brought_methods", code, "brought_methods:FIRST")
    monkeypatch.syspath_prepend(tmp_path)
    registry.load_methods()
    assert list(METHODS)[-2:] == ["second", "first"]
    registry.load_methods()  # once is enough
    assert list(METHODS)[-2:] == ["second", "first"]


def test_a_package_that_fails_is_left_out_with_a_warning(
    own_methods: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "broken_methods", "raise OSError('no disk')", "broken_methods:FIRST")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(
        RuntimeWarning,
        match=r"'broken_methods' \(broken_methods:FIRST\) of clsight.methods is left out: no disk",
    ):
        registry.load_methods()
    assert list(METHODS)[-1] == "search"
