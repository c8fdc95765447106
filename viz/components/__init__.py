"""The pictures of `viz.pictures` on a Streamlit page: each is mounted by one typed function."""
