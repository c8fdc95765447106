"""Parts of a file that are worse than chance explains."""
