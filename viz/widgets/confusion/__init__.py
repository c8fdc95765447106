"""The confusion matrix: how often each class is taken for each other one; a cell is selected."""
