"""The commands of `python -m viz`: what is typed goes in, files and lines of text come out."""
