"""Plates as figures: PNG, SVG and PDF by matplotlib.

`drawing` is the way in.  `attention`, `atlas`, `arcs` and `attribution` draw a body; `sheet` sets
it under a title and above its citation, on a `page`; `grain`, `tint` and `scale` say how large and
in which colours numbers are drawn; `fonts`, `emoji`, `clusters`, `direction`, `flow` and `wrap` set
texts of every script, and `scripts` says which fonts are missing.
"""
