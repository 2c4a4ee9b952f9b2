"""Full-text search of tickets: the words, the index that both databases keep of them, and the question to it."""
