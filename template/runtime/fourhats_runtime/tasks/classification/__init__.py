"""Classes: whom to act on."""
