"""Lungs on a film: the network that finds them, its training, and what is thought of a mask."""
