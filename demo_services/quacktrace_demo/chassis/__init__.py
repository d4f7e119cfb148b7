"""What the seven services share: a way to serve, to store, to find and call each other, and a queue."""
