"""Places for tests of the staff's pages."""

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import delete, select

from app.accounts.models import RoleScope, Scope
from app.core.extensions import db


@pytest.fixture
def a_role(app):
    """A role of this test alone: those of the desk outlive a test, so no test may change them."""
    made = []

    def role(*verbs):
        wanted = {f"can_{verb}" for verb in verbs}
        rows = db.session.execute(
            select(PermissionView)
            .join(PermissionView.permission)
            .join(PermissionView.view_menu)
            .where(ViewMenu.name == "Ticket", Permission.name.in_(wanted))
        ).scalars()
        made.append(Role(name=f"Role of a test {len(made)}", permissions=list(rows)))
        db.session.add(made[-1])
        db.session.flush()
        db.session.add(RoleScope(role_id=made[-1].id, scope=Scope.ALL, categories=""))
        return made[-1]

    yield role
    db.session.rollback()
    for row in made:
        found = db.session.get(Role, row.id)
        for person in found.user:
            person.roles = []
        db.session.execute(delete(RoleScope).where(RoleScope.role_id == found.id))
        db.session.delete(found)
    db.session.commit()
