"""What stands on the page *Inside*: the cell, its equations, and the term that is followed."""
