"""What an artefact is and what it was made from, found on disk; for `hilum.stages.show`."""
