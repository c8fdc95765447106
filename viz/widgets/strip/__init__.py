"""A whole long text as one slim picture: sentences, windows, and what was not seen."""
