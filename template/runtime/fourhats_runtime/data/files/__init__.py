"""How the bytes that somebody handed over become a table: packing, letters, lines, names.

Nothing here knows what a value means: every column of a text file is text.
"""
