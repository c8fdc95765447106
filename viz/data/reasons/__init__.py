"""Why rows of one class are taken for another, and what silencing heads does."""
