"""The text, each word on the color of its score."""
