"""The one place that opens a checkpoint, for training, measuring and reading alike.

What lies in the folder is checked by its files before anything heavy is made of it. Nothing that a
checkpoint holds is ever run, nothing outside its folder is read, and every refusal is one sentence.
"""
