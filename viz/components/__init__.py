"""Own Streamlit components (v2): Python on one side, plain JavaScript on the other."""
