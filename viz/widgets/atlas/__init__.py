"""The attention of every head of every layer in one picture."""
