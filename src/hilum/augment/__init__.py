"""Random operations with Augmentor's meaning: sample what is drawn, then apply it."""
