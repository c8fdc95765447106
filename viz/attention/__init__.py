"""Views over attention weights: words for wordpieces, means, rollout, statistics of each head."""
