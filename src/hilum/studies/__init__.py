"""Study files that ship with hilum."""
