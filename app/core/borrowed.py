"""Words that Flask-AppBuilder says on our pages and does not say, or says badly, in every language of the desk: our catalogues speak over its own."""

from __future__ import annotations

from app.core.shipped import N_

FILTERS = (
    N_("Starts with"), N_("Not Starts with"), N_("Ends with"), N_("Not Ends with"), N_("Contains"), N_("Not Contains"), N_("Equal to"), N_("Not Equal to"),
    N_("Greater than"), N_("Smaller than"), N_("In"), N_("Not In"), N_("Relation"), N_("No Relation"), N_("Relation as Many"),
)  # fmt: skip
"""How a generated list compares a column with what is typed."""
REFUSALS = (
    N_("Access is Denied"), N_("Already exists."), N_("Database Error"), N_("Invalid file extension"), N_("Invalid login. Please try again."), N_("Not a valid choice"),
)  # fmt: skip
OTHERS = (N_("Add Filter"), N_("Select Value"))
