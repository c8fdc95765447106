"""A whole data set: predicted, audited, and compared with another one."""
