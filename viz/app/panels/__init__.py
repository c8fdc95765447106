"""The panels of the Read page, from top to bottom: source, text, why, heads."""
