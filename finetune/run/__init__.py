"""A run on disk: its settings, its output folder, and all that lets it be resumed.

`config` holds the settings, `cli_options` and `config_file` read them from the command line and a
file; `output_folder` is the working folder, `saved_settings` what the run was started with,
`snapshot_folders` what it resumes from, `disk_space` whether there is room for them.
`graceful_stop` hears the request to stop, `shutdown` says how a run ends that does not finish,
`resume_command` the command that goes on with it, `events` (of which `event_schema` says what they
hold) and `progress` how far it is, and `record` is what is known of a finished run, as `run.json`;
`hub_upload` puts its folder on the Hub.  `atomic_files` and `json_files` write and read all of
these.
"""
