"""One row each time a ticket is solved and its requester is asked, or says unasked, how we did."""

from __future__ import annotations

import datetime as dt

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ForeignKey, Index, exists
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Customer
from app.core.model import Base, intpk, longtext
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.scores import Scale, Verdict, called, verdict


class Rating(Base):
    """It stays with its own ticket: a merge moves none, as it judges what was done there, and un-merging finds it where it was."""

    __tablename__ = "rating"
    __table_args__ = (
        Index("ix_rating_ticket", "ticket_id", "round", unique=True),
        Index("ix_rating_customer", "customer_id", "asked_at"),
        Index("ix_rating_asked", "asked_on"),
        Index("ix_rating_given", "given_on"),
    )

    id: Mapped[intpk]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    round: Mapped[int]
    """How often the ticket had been reopened: once for each time it is solved."""
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    """Who had the ticket when it was rated."""
    scale: Mapped[Scale]
    score: Mapped[int | None]
    """1 to 5; empty until they answered."""
    comment: Mapped[longtext | None]
    made_at: Mapped[dt.datetime]
    asked_at: Mapped[dt.datetime | None]
    """When our mail was written; empty for whoever said it unasked."""
    asked_on: Mapped[dt.date | None]
    given_at: Mapped[dt.datetime | None]
    given_on: Mapped[dt.date | None]
    """Days of the desk, which reports add up."""
    changed_at: Mapped[dt.datetime | None]

    ticket: Mapped[Ticket] = relationship(Ticket)
    customer: Mapped[Customer] = relationship(Customer)
    staff: Mapped[User | None] = relationship(User)

    @property
    def called(self) -> str:
        return called(self.score, self.scale) if self.score is not None else ""

    @property
    def verdict(self) -> Verdict | None:
        return verdict(self.score) if self.score is not None else None

    @property
    def open_until(self) -> dt.datetime:
        """Until then it may be given, and as long after that changed."""
        days = dt.timedelta(days=desk.current().satisfaction_days)
        return (self.given_at or self.asked_at or self.made_at) + days

    def __str__(self) -> str:
        return self.called


RATED = exists().where(Rating.customer_id == Customer.id, Rating.score.is_not(None))
"""Whether a customer ever rated anything; for a statement that reads the customer anyway."""
