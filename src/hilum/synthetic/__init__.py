"""Films that hilum draws, with the truth of what it drew."""
