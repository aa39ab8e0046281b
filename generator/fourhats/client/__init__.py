"""The client's data: where it is, and what it holds."""
