"""What is measured beside plain scores.

`calibration` is how far probabilities can be believed, `regression` how near predicted scores are,
and `spread` how much the seed matters.
"""
