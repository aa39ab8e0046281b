"""From raw data to decisions that are worth money."""
