"""One equation of a pass as a file: a picture, a page, or LaTeX."""
