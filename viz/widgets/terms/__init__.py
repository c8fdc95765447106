"""The terms of one equation, large, for a saved page."""
