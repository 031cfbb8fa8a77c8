"""Watching a bundle at work: what it was asked and said, whether its films are still like those it was made with, and what readers told
of it.

It stands on `hilum.inference` and knows nothing of studies, training or reports; nothing here loads torch.
"""
