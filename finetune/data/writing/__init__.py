"""Files of rows, written such that the strict reader reads the same cells back.

`row_writer` puts a file together from parts that are there whole or not at all, `text_encoders` and
`parquet_output` know how rows stand in each kind of file, `new_columns` names what is added to the
columns of the source.
"""
