"""The mechanism inside: every number of a reading with the equation that makes it.

`trace` keeps each operation of one pass; `unfolding` tells the story of one attention weight from
ids to class; `lesson` teaches with it; `ablation` and `pruning` take heads away.
"""
