"""Pure statistics: arrays in, numbers out. No torch, no files, no global random state."""
