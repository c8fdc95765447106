"""An audit: its run, its parts, its record, and what it comes to in sentences."""
