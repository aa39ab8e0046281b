"""Is the data fine, does the world still look like the training data, is the money still earned?"""
