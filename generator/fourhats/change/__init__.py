"""An existing project: updates, other answers, adoption, and how far behind it is."""
