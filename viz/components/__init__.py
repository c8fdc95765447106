"""Own Streamlit components (v2): Python on one side, plain JavaScript on the other.

Each is one name: `atlas.py` makes the payload and mounts, `atlas.js` draws, `atlas.css` styles.
"""
