"""How and when one person is told, kept; what waits for a joint mail moves with it."""

from __future__ import annotations

from sqlalchemy import select, update

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.database import put
from app.core.errors import Invalid
from app.core.extensions import db
from app.core.words import said as _
from app.notifications import inbox, moments, wishes
from app.notifications.models import Notice, NoticePlan, Notification, Reach
from app.notifications.wishes import Wish, usual_plan
from app.settings import desk


def plan_of(staff_id: int) -> NoticePlan:
    """A row of theirs, or what holds without one."""
    return db.session.get(NoticePlan, staff_id) or usual_plan()


def keep(viewer: Viewer, plan: NoticePlan) -> None:
    """Raises Invalid when no mail could ever leave."""
    if moments.endless(plan, zone_of(viewer), clock.now()):
        sentence = _("These quiet times never end: no mail would ever reach you.")
        raise Invalid(sentence, {"quiet_whole_days": sentence})
    plan.staff_id = viewer.id
    put(plan)
    db.session.flush()
    move_waiting(viewer)


def zone_of(viewer: Viewer) -> str:
    return viewer.time_zone or desk.current().time_zone


def move_waiting(viewer: Viewer) -> None:
    """After a change of plan or wishes: what waits goes when such a thing would go now, and what is not wanted by mail any more waits no longer."""
    mine = (Notification.staff_id == viewer.id, Notification.mail_due_at.is_not(None))
    plan, wanted, now = plan_of(viewer.id), inbox.all_wanted(viewer), clock.now()
    wish = Wish(viewer.id, zone_of(viewer), None, plan.follows, False, plan.reach or Reach.USUAL, plan, None)
    for kind in db.session.scalars(select(Notification.kind).where(*mine).distinct()).all():
        one = wishes.fitting(kind, wanted[kind])
        due = (wish.postponed(kind, one.digest, now) or now) if one.mail or one.digest else None
        moved = update(Notification).where(*mine, Notification.kind == Notice(kind))
        db.session.execute(moved.values(mail_due_at=due).execution_options(synchronize_session=False))
