"""A look at the server again after a while."""
