"""What an admin may set, typed, kept in the database."""
