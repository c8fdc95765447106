"""How good a classifier is: metrics, calibration, classical baselines, and the report of them."""
