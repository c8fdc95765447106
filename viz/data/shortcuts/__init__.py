"""Words that a classifier takes for a class by themselves."""
