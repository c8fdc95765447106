"""Files of rows, read as they are or refused: CSV, TSV, JSON Lines, JSON and Parquet.

Fine-tuning and the app both read by it.  `reader` opens a file, `delimited`, `json_rows` and
`parquet` know one kind each, `table` is what comes of it, and `columns` finds the text and the
label in it.
"""
