"""Pictures as a browser draws them, and how the app mounts them: one folder for each.

In each folder `payload.py` makes what the browser is sent, the JavaScript draws it, the CSS styles
it, and `component.py` mounts it on a Streamlit page; stand-alone pages (`viz.export`) hold the same
pictures.  `shared` holds what several need.  Only `component.py` knows Streamlit.
"""
