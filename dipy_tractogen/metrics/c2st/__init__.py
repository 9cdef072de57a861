"""Classifier two-sample test (C2ST): how well classifiers tell streamlines apart."""

from .two_sample import c2st

__all__ = ["c2st"]
