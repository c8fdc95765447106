"""The rows of a file: read, predicted, described, and taken apart word by word."""
