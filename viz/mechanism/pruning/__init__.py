"""A checkpoint with fewer heads, which plain transformers opens."""

from viz.mechanism.pruning.pruned_checkpoint import PrunedCheckpoint, prune

__all__ = ["PrunedCheckpoint", "prune"]
