"""The machines' face: JSON in and out, keys with scopes, the same rules as everywhere."""
