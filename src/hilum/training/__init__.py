"""Training a head on stored features."""
