"""A data set, from the Hub or from disk, as rows of texts with class names or scores.

`sources` opens it by way of `tables`, `labels` and `scores` read the label (`multi_hot` refuses
what names no class), and `rows` holds what comes of it.  `class_matching` gives rows of several
places one set of classes, `splits` cuts the three splits of a run, and `column_summary` says which
columns were read.
`truncation` says which tokens of a long text are read, and `check` what is wrong with the data.
"""
