"""People on both sides of the desk: staff and customers, their departments, roles and rights."""
