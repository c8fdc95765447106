"""Runs of `clsight train` as the app sees them: started, watched, stopped, deleted."""
