"""The Compare page without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from viz.app import keys

ROOT = Path(__file__).resolve().parents[3]


def opened(checkpoint: Path, **link: str) -> AppTest:
    """The page, opened by a link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(checkpoint)
    for name, value in link.items():
        app.query_params[name.replace("_", "-")] = value
    return app.switch_page("viz/app/pages/compare.py").run()


@pytest.mark.parametrize("mode", ["two texts", "two checkpoints", "fine-tuning"])
def test_a_link_says_what_is_compared(checkpoint: Path, mode: str) -> None:
    app = opened(checkpoint, mode=mode)
    assert not app.exception
    assert app.segmented_control(key=keys.MODE).value == mode
    assert app.query_params.get("mode") == (None if mode == "two texts" else mode)
