"""Where CLSight lies, in a checkout or installed from a wheel, and which version it is."""

import tomllib
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_WHEEL = _PACKAGE / "shipped"
"""Where a wheel has what stands beside the packages in a checkout; `.ci/wheel.py` puts it there."""

IS_CHECKOUT = not _IN_WHEEL.is_dir()
ROOT = _PACKAGE.parent if IS_CHECKOUT else _IN_WHEEL
"""The folder of `app.py`, `assets` and Streamlit's settings."""
APP = ROOT / "app.py"
"""The script that Streamlit runs."""
ASSETS = ROOT / "assets"
"""The shipped checkpoint, the examples and the icon."""


@cache
def version() -> str:
    """The version of the code that runs, which pyproject.toml states.

    A checkout may have been updated since it was installed.
    """
    if not IS_CHECKOUT:
        return installed_version("clsight")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(project["project"]["version"])
