"""Bytes to film: one decoder and one set of deterministic preparation steps for all of hilum."""
