"""Known public sets, and how to bring one here. Used by `hilum.stages.data` only."""
