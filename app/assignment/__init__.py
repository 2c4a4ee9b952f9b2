"""Who gets a ticket that is nobody's: the customer's own staff, who had it before, or the department by a fair method."""
