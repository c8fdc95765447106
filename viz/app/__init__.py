"""The Streamlit app: pages, their panels, what a session keeps, and how the server behaves."""
