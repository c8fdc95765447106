"""The predicted class, and a bar for each class."""
