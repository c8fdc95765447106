"""A data set, from the Hub or from disk, as rows of texts with class names or scores.

`sources` opens it, `labels` and `scores` read the label, and `rows` holds what comes of it.
`scale` is where scores lie, `truncation` which tokens of a long text are read.
"""
