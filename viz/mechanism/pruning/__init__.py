"""A checkpoint with fewer heads, which plain transformers opens."""
