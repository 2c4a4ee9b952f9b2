"""A mail template of absurd depth is refused beside its field."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.factories import an_admin, sign_in


def test_a_template_of_thousands_of_brackets_is_refused(client: FlaskClient) -> None:
    sign_in(client, an_admin())
    deep = "{% if " + "(" * 1500 + "to" + ")" * 1500 + " %}{% endif %}"
    for then in ("preview", "keep"):
        assert (
            client.post("/admin/mail-templates/ticket_created", data={"source": deep, "then": then}).status_code == 422
        )
