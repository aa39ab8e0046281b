"""The service: predictions over HTTP, with a page for people."""
