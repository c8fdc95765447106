"""What a classifier loses as heads go."""
