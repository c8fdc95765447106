"""Two readings side by side, and one text over the course of fine-tuning."""
