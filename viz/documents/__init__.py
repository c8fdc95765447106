"""Documents: texts beyond a model's limit, read in overlapping windows; see README.md."""
