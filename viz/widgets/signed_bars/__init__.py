"""A list of names, each with a bar to the left or to the right of 0."""
