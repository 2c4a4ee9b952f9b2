"""Mail: reading what comes in, and writing what goes out."""
