"""Puts into a wheel what a checkout has beside its packages, where `viz.model` looks for it."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BESIDE = (
    "app.py",
    ".streamlit/config.toml",
    "assets/ag-news-minilm",
    "assets/examples.json",
    "assets/icon.png",
)


class Shipped(BuildHookInterface):
    """Copies files into `viz/shipped`, but for an editable installation, which has them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files before the wheel is built."""
        if version == "standard":
            build_data["force_include"] |= {name: f"viz/shipped/{name}" for name in BESIDE}
