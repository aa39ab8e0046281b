"""Numbers: what to plan with."""
