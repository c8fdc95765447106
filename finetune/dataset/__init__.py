"""A data set, from the Hub or from disk, as rows of texts with class names or scores.

`sources` opens it, `labels` and `scores` read the label (`flags` refuses what names no class), and
`rows` holds what comes of it.  `matching` gives rows of several places one set of classes, and
`columns` says which columns were read.  `scale` is where scores lie, `truncation` which tokens of
a long text are read.
"""
