"""A new project: from the template and the answers to a folder, and its first run."""
