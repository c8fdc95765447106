"""The families that sentences suggest to start from; no computation depends on a family's name."""

NAMES = "BERT, RoBERTa, ELECTRA, DistilBERT"
NAMES_AND = "BERT, RoBERTa, ELECTRA and DistilBERT"
NAMES_OR = "BERT, RoBERTa, ELECTRA or DistilBERT"

PROJECTIONS = ("embeddings_project",)
"""Names of what widens embeddings for the first layer, below the base model."""
