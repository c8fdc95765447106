"""Labels that are likely wrong: judged out of sample, ranked, and corrected."""
