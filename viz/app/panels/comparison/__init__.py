"""What stands side by side on the Compare page, and one text over the course of fine-tuning."""
