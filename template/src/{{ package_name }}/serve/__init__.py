"""Serving: records in, predictions out, each of them in the prediction log."""
