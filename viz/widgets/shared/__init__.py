"""What several widgets need: the seam to the browser, and the script that all start with."""
