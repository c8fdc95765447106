"""Where a component meets Streamlit: its files are read once and registered under its name."""

from importlib.resources import files

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def register(name: str, html: str, *parts: str) -> ComponentRenderer:
    """Register `name.js` and `name.css`, after `page`, which all share, and other script `parts`.

    Streamlit takes one script for each component, so the files are joined here.
    """
    return st.components.v2.component(
        f"clsight-{name}",
        html=html,
        css=_read("page.css") + _read(f"{name}.css"),
        js="".join(_read(f"{part}.js") for part in ("page", *parts, name)),
    )


def _read(file: str) -> str:
    return files("viz.components").joinpath(file).read_text(encoding="utf-8")
