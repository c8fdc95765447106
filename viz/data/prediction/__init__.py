"""A file with a prediction in each row: streamed, resumed, written in order."""
