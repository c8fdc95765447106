"""The model: a checkpoint is opened, a text encoded and read in one recorded forward pass."""
