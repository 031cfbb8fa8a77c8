"""Backbones, their weights and their heads."""
