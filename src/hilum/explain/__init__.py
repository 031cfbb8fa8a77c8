"""Heat maps of what a model's answer stands on, and the checks that each map must pass before anybody believes it."""
