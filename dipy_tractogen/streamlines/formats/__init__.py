"""Readers and writers of tractograms, one file a format."""
