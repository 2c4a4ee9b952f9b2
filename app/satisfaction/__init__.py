"""How customers say that we did: when they are asked, what they answered, what it adds up to."""
