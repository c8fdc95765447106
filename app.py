"""CLSight: what a fine-tuned text classifier looks at.  Run with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

import viz.start  # noqa: F401 - for what it does when imported, once in a process
from viz.pages.answers import given_up_unless_asked_for

ICON = Path(__file__).parent / "assets" / "icon.png"

st.set_page_config(page_title="CLSight", page_icon=str(ICON), layout="wide")
chosen = st.navigation(
    [
        st.Page("viz/pages/read.py", title="Read", default=True),
        st.Page("viz/pages/trust.py", title="Faithfulness", url_path="faithfulness"),
        st.Page("viz/pages/train.py", title="Train", url_path="train"),
    ],
    position="hidden",
)
with given_up_unless_asked_for():
    chosen.run()
