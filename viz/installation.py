"""Where CLSight lies, and which version it is."""

import tomllib
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
"""The root of the repository; where CLSight is installed from a wheel, the folder it went into."""
APP = CHECKOUT / "app.py"
"""The script that Streamlit runs."""


@cache
def version() -> str:
    """The version of the code that runs, which pyproject.toml states.

    A checkout is asked first: it may have been updated since it was installed.
    """
    project = CHECKOUT / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
    return installed_version("clsight")
