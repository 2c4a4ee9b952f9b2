"""Only a form of ours signs somebody out."""

from tests.factories import an_agent, sign_in


def test_a_link_from_another_page_signs_nobody_out(app, client):
    sign_in(client, an_agent())

    linked = client.get("/logout/")
    still = client.get("/admin/tickets/")
    client.post("/logout/")

    assert linked.status_code == 405
    assert still.status_code == 200
    assert client.get("/admin/tickets/").status_code == 302
