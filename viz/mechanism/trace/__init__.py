"""One pass as the operations it consists of, and where each number of it comes from."""
