"""What is different between two files, how likely by chance, and why."""
