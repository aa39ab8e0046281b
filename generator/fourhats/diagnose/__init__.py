"""Diagnosis before code: whether a model is worth building, from money and from the data."""
