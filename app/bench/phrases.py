"""What the people of an invented desk write about. {p} a product, {w} since when, {n} some number, {k} a small one."""

from __future__ import annotations

from collections.abc import Iterator

DEPARTMENTS = (
    ("support", "Customer Support"),
    ("billing", "Billing"),
    ("it", "IT Service Desk"),
    ("sales", "Sales"),
    ("logistics", "Shipping and Returns"),
)
"""Slug and name."""
CATEGORIES = (
    (1, "General question"),
    (1, "Account and login"),
    (2, "Invoice and payment"),
    (2, "Refund"),
    (3, "Hardware"),
    (3, "Software bug"),
    (4, "Quote request"),
    (5, "Delivery problem"),
)
"""Department and name."""
PRODUCTS = (
    "Aurora router",
    "Basalt printer",
    "Cobalt tablet",
    "mobile app",
    "web portal",
    "Delta scanner",
    "VPN client",
    "payroll module",
    "calendar sync",
    "checkout page",
    "Ember headset",
    "reporting add-on",
)
WHEN = (
    "since this morning",
    "since the last update",
    "after the weekend",
    "every time I try",
    "for three days",
    "since Tuesday",
    "after changing my password",
    "whenever two people use it",
    "on my second computer",
)
SUBJECTS = {
    1: ("Question about {p}", "How do I export data from the {p}?", "Where can I change the settings of the {p}?"),
    2: ("Cannot log in to the {p}", "Password reset mail never arrives", "Account locked {w}"),
    3: ("Invoice {n} has the wrong amount", "Card was charged twice for the {p}", "VAT number missing on invoice {n}"),
    4: ("Please refund order {n}", "Refund for the {p} still not received", "Return of the {p} and refund"),
    5: ("{p} does not switch on", "{p} is very slow {w}", "Replacement needed for {p}"),
    6: ("{p} shows error {n}", "{p} crashes {w}", "Wrong totals in the {p}"),
    7: ("Quote for {k} units of the {p}", "Upgrade offer for the {p}", "Licence for {k} users"),
    8: ("Parcel {n} not delivered", "Delivery of the {p} is late", "Wrong item in parcel {n}"),
}
"""By category."""
PROBLEMS = (
    "The {p} stopped working {w} and nobody here could make it run again.",
    "I get a message with code {n} when I open the {p}, and it happens {w}.",
    "We ordered {k} pieces and only part of the delivery arrived at our office.",
    "My colleague and I tried another browser and another cable, but the {p} still behaves the same.",
    "The amount on the invoice does not match what was agreed with your sales team.",
    "I would like to know whether the {p} can be moved to another account.",
    "It worked well until the last update, {w} it is unusable.",
    "Could you please send me a refund for the {p}, I have already returned it.",
    "The page loads for a minute and then shows a blank screen {w}.",
    "Please tell me how long a repair of the {p} normally takes.",
    "There are {k} people waiting for this, so a quick answer would help a lot.",
    "I attached the serial number and the date of purchase below.",
)
ANSWERS = (
    "Thank you for contacting us, I have opened your request and am looking into the {p} now.",
    "Could you please send us the serial number of the {p} and a screenshot of the message {n}?",
    "We have restarted the service on our side, please sign out, wait a minute and try again.",
    "I have forwarded this to the team that takes care of the {p}; they answer within {k} hours.",
    "The credit has been booked and should reach your account within {k} working days.",
    "Our records show that the parcel left the warehouse yesterday.",
    "Please update the {p} to the latest version and clear the stored data before you start it again.",
    "I am sorry for the trouble this has caused you and your team.",
    "A replacement for the {p} is on its way, the tracking number follows in a separate mail.",
    "If the problem comes back {w}, simply answer this mail and the ticket opens again.",
)


def departments() -> Iterator[tuple[int, str, str, str]]:
    for number, (slug, name) in enumerate(DEPARTMENTS, 1):
        yield number, slug, name, f"{slug}@helpdesk.test"


def categories() -> Iterator[tuple[int, tuple[int, str]]]:
    return enumerate(CATEGORIES, 1)
