"""The smallest edits of a text that change its class."""
