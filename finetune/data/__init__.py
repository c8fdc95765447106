"""A data set, from the Hub or from disk, as rows of texts with class names or scores.

`sources` opens it by way of `tables`, `labels` and `scores` read the label (`multi_hot` refuses
what names no class), and `rows` holds what comes of it.  `class_matching` gives rows of several
places one set of classes; `source_rows` and `splits` make the three splits of a run, of which
`validation_split` may cut one; `evaluation_rows` is what a checkpoint is measured on.
`column_summary` says which columns were read, `truncation` which tokens of a long text, and `check`
what is wrong with the data.
"""
