"""Where the tasks of a stage run."""
