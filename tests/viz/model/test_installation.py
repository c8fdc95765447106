"""Where CLSight lies, and which version it is."""

from collections.abc import Iterator
from importlib.metadata import version as installed_version

import pytest

from viz.model import installation


@pytest.fixture(autouse=True)
def unknown_version() -> Iterator[None]:
    """Nobody has asked for the version before, and what is answered here is forgotten."""
    installation.version.cache_clear()
    yield
    installation.version.cache_clear()


def test_a_checkout_has_the_app_and_what_ships_with_it() -> None:
    assert installation.IS_CHECKOUT
    assert installation.APP.is_file()
    assert (installation.ASSETS / "icon.png").is_file()


def test_a_checkout_has_the_version_of_its_code_and_a_wheel_that_of_its_metadata(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stated = f'version = "{installation.version()}"'
    assert stated in (installation.ROOT / "pyproject.toml").read_text("utf-8")
    installation.version.cache_clear()
    monkeypatch.setattr(installation, "IS_CHECKOUT", False)
    assert installation.version() == installed_version("clsight")
