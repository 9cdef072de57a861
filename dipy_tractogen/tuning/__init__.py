"""Searches for the parameters of a model, on top of training and measures."""
