"""Rules that act by themselves: on what happens to a ticket, and when time has passed."""
