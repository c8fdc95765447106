"""The Read page of models that can't look everywhere: GPT-2 looks back, ModernBERT in a window."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.families import family_checkpoint
from tests.page_content import component_data
from viz import Classifier
from viz.app import keys
from viz.types import Attention

ROOT = Path(__file__).resolve().parents[3]
TEXT = "Oil prices rise as stocks fall, the market was not very good."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the checkpoints are."""
    return tmp_path_factory.mktemp("families")


def opened(folder: Path, family: str, **link: str) -> AppTest:
    """The page on a small checkpoint of a family."""
    path = folder / family
    if not path.exists():
        family_checkpoint(path, family)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(path), "text": TEXT, **link})
    app.run()
    assert not app.exception
    assert not app.error
    return app


@pytest.mark.parametrize("family", ["gpt2", "modernbert"])
def test_maps_are_sent_with_what_cannot_be_looked_at(folder: Path, family: str) -> None:
    app = opened(folder, family, layer="1", head="2")
    assert component_data(app, "heatmap")["impossible"]
    assert component_data(app, "atlas")["impossible"]
    app = opened(folder, family, layer="1", view="arcs")
    assert component_data(app, "arcs")["impossible"]


def test_a_global_layer_and_the_mean_with_it_have_no_hatch(folder: Path) -> None:
    app = opened(folder, "modernbert", layer="0", head="2")
    assert "impossible" not in component_data(app, "heatmap")
    app = opened(folder, "modernbert", layer="mean", head="2")
    assert "impossible" not in component_data(app, "heatmap")


def test_the_last_token_of_gpt2_sees_all_and_the_first_itself_alone(folder: Path) -> None:
    app = opened(folder, "gpt2", layer="1", head="2", view="on the text")
    row = component_data(app, "colored-text", 1)
    assert "impossible" not in row
    app.selectbox(key=keys.QUERY).set_value(0).run()
    segments = component_data(app, "colored-text", 1)["parts"][0]
    words = [one for one in segments if one["kind"] == "word"]
    assert [one.get("impossible", False) for one in words] == [False] + [True] * (len(words) - 1)


def test_contributions_leave_out_the_same_pairs(folder: Path) -> None:
    weights = opened(folder, "gpt2", layer="1", head="2")
    shares = opened(folder, "gpt2", layer="1", head="2", show="contribution to the class")
    assert component_data(shares, "heatmap")["signed"]
    assert (
        component_data(shares, "heatmap")["impossible"]
        == component_data(weights, "heatmap")["impossible"]
    )


def test_what_a_model_reads_is_causal_or_local(folder: Path) -> None:
    """The masks on the page are those of the models."""
    for family in ("gpt2", "modernbert"):
        opened(folder, family)
        attention = Classifier.load(str(folder / family)).read(TEXT).attention
        assert isinstance(attention, Attention)
        assert attention.impossible is not None
        at = np.arange(attention.n_tokens)
        behind = at > at[:, None]
        if family == "gpt2":
            assert (attention.impossible == behind).all()
        else:
            assert not attention.impossible[0].any()
            assert (attention.impossible[1] == (np.abs(at[:, None] - at) > 4)).all()
