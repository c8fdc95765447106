"""What is said of a run: the model card, text for the terminal, figures, and the Hub."""
