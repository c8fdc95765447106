"""One map of attention at full resolution."""
