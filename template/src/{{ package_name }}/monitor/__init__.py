"""Watch whether data, world and money are still what they were when the model was trained."""
