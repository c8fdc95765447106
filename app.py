"""CLSight: what a fine-tuned text classifier looks at.  Run with `streamlit run app.py`."""

import streamlit as st

st.set_page_config(page_title="CLSight", page_icon="assets/icon.png", layout="wide")
st.navigation(
    [st.Page("viz/pages/read.py", title="Read", default=True)],
    position="hidden",
).run()
