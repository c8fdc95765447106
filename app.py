"""CLSight: what a fine-tuned text classifier looks at.  Run with `streamlit run app.py`.

Streamlit loads this file twice: once to start the server, and as a script for each browser.
"""

from pathlib import Path

import streamlit as st

ICON = Path(__file__).parent / "assets" / "icon.png"

if __name__ == "__main__":
    from viz.app import session
    from viz.app.background import given_up_unless_asked_for
    from viz.app.preload import import_models

    import_models()

    st.set_page_config(page_title="CLSight", page_icon=str(ICON), layout="wide")
    chosen = st.navigation(
        [
            st.Page("viz/app/pages/read.py", title="Read", default=True),
            st.Page("viz/app/pages/faithfulness.py", title="Faithfulness", url_path="faithfulness"),
            st.Page("viz/app/pages/train.py", title="Train", url_path="train"),
        ],
        position="hidden",
    )
    session.visit()
    with given_up_unless_asked_for():
        chosen.run()
else:
    from viz.app.server import MIDDLEWARE, lifespan

    app = st.App(__file__, middleware=MIDDLEWARE, lifespan=lifespan)
