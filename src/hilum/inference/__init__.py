"""From a film to scores, for predict and serve alike."""
