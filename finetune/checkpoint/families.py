"""The families that sentences suggest to start from; no computation depends on a family's name."""

NAMES = "BERT, RoBERTa, ELECTRA, DistilBERT"

PROJECTIONS = ("embeddings_project",)
"""Names of what widens embeddings for the first layer, below the base model."""
