"""Nothing of a run is lost, and all of it is told.

`output` holds the working folder, `settings` what the run was begun with, `snapshots` what it goes
on from, and `space` tells whether the disk has room for those; `interrupt` hears the wish to stop,
and `ending` says how a run ends that does not finish.  `progress` and `events` tell how far it is,
and `processes` that share a run are one to the outside.
"""
