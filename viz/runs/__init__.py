"""Runs of `python -m finetune` as the app sees them: started, watched, stopped, deleted."""
