"""The theme that the browser shows."""
