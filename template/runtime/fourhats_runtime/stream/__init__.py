"""The worker: records from a stream in, predictions out."""
