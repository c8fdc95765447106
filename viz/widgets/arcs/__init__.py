"""From each token to those it looks at."""
