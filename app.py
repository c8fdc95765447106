"""CLSight: what a fine-tuned text classifier looks at.  Run with `streamlit run app.py`.

Streamlit loads this file twice: once to start the server, and as a script for each browser.
"""

import streamlit as st

if __name__ == "__main__":
    # These import little; all else waits until the page says that it is loading.
    from viz.app.navigation import READ, offered_pages
    from viz.app.preload import wait_for_imports
    from viz.model.installation import ASSETS

    page = st.navigation(
        [
            st.Page(script, title=title, url_path=title.lower(), default=script == READ)
            for title, script in offered_pages().items()
        ],
        position="hidden",
    )
    st.set_page_config(f"{page.title} · CLSight", str(ASSETS / "icon.png"), layout="wide")
    wait_for_imports()

    from viz.app import link
    from viz.app.background import cancel_unrequested_jobs
    from viz.app.garbage import collect_garbage
    from viz.app.visitors import count_visitor

    count_visitor()
    with link.one_step(), cancel_unrequested_jobs():
        page.run()
    collect_garbage()
else:
    from viz.app.server import MIDDLEWARE, lifespan

    app = st.App(__file__, middleware=MIDDLEWARE, lifespan=lifespan)
