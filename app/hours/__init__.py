"""Working time: when a desk is open, and how much of that time lies between two instants."""
