"""Figures: PNG, SVG and PDF by matplotlib.

`file_formats` is the way in.  `attention`, `atlas`, `arcs` and `attribution` draw a body; `layout`
sets it under a title and above its citation, on a `canvas`; `grid`, `color_scale` and `colorbar`
say how large and in which colors numbers are drawn; `text` sets texts of every script.
"""
