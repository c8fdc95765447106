"""Pictures as a browser draws them: what it is sent, and the plain JavaScript that draws it.

Each picture is one name: `atlas.py` makes the payload, `atlas.js` draws it, `atlas.css` styles it.
The app mounts them (`viz.components`) and stand-alone pages hold them (`viz.export`); nothing here
knows either.
"""
