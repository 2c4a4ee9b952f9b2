"""Tickets: their thread, their timeline, and every rule of what may happen to them."""
