"""A guided lesson of ten steps on the reader's own text; every claim is computed."""
