"""segment: films -> lung masks (`run`), and films with known lungs -> the network that finds them (`train`)."""
