"""Whether an explanation can be believed: measured by hiding the words that it calls important."""
