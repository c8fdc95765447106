"""Views over attention weights: words for wordpieces, means and rollout, statistics of each head."""
