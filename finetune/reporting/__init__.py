"""What is told of a run: text for the terminal, the parts of a model card, figures, the Hub."""
