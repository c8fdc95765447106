"""The pages of the app: each is widgets, one call, one picture."""
