"""A film of fine-tuning: the frames of one text, and the curves of the run."""
