"""What an engagement takes: time, cost, and when it pays back."""
