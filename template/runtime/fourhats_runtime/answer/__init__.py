"""Answering: what API and worker share, from records by the champion to the log of predictions."""
