"""Staff who sign in elsewhere: by a provider of OAuth, by the word of a proxy, by a directory."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import const
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.accounts import secondfactor, signon
from app.accounts.models import RoleScope, StaffProfile
from app.accounts.sessions import SignedIn
from app.core.extensions import db
from tests.accounts import provider as providers
from tests.accounts.conftest import Made
from tests.accounts.directory import Directory
from tests.accounts.provider import Provider
from tests.accounts.test_second_factor import with_factor
from tests.factories import PASSWORD, a_supervisor, an_agent

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running_provider() -> Iterator[Provider]:
    with providers.running() as provider:
        yield provider


@pytest.fixture
def provider(running_provider: Provider) -> Provider:
    running_provider.claims, running_provider.nonce, running_provider.broken = {}, None, False
    running_provider.signing = running_provider.key
    return running_provider


def one(provider: Provider, **more: object) -> str:
    remote = {"client_id": "desk", "client_secret": "s", "server_metadata_url": f"{provider.url}/.well-known/openid-configuration", "client_kwargs": {"scope": "openid email profile"}}  # fmt: skip
    return json.dumps([{"name": "company", "label": "Our company", "remote_app": remote, **more}])


def there_and_back(client: FlaskClient, provider: Provider, following: str = "") -> str:
    """The whole way through the real pages; where it leads."""
    leaving = client.get(f"/login/company{'?next=' + following if following else ''}")
    assert leaving.status_code == 302, leaving.status
    return client.get(provider.code_for(leaving.location)).location or ""


def inside(client: FlaskClient) -> bool:
    return client.get("/admin/me/").status_code == 200


class TestProvider:
    @pytest.fixture
    def desk(self, a_desk: Made, provider: Provider) -> Flask:
        return a_desk(AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider))

    def test_somebody_invited_by_their_address_comes_in(self, desk: Flask, provider: Provider) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()
        provider.claims = {"email": agent.email.upper(), "email_verified": True}

        assert there_and_back(client, provider, "/admin/me/") == "/admin/me/"

        assert inside(client)
        assert db.session.scalars(select(SignedIn.staff_id)).all() == [agent.id]
        with client.session_transaction() as session:
            assert "oauth" not in session and "a secret of theirs" not in repr(dict(session))
        client.post("/logout/")
        assert not inside(client)

    @pytest.mark.parametrize(
        "claims",
        [{}, {"email": "agent@desk.test"}, {"email": "agent@desk.test", "email_verified": False}, {"email": "nobody@desk.test", "email_verified": True}, {"preferred_username": "agent"}, {"sub": "agent"}],
        ids=["no address", "an unproven address", "a refuted address", "an unknown address", "a chosen name", "a chosen number"],
    )  # fmt: skip
    def test_anybody_else_stays_outside(self, desk: Flask, provider: Provider, claims: dict[str, object]) -> None:
        agent, client = an_agent(name="agent"), desk.test_client()
        db.session.commit()
        provider.claims = claims

        assert there_and_back(client, provider) == "/login/"

        assert "You are known there, but not here" in client.get("/login/").text
        assert not inside(client)
        assert db.session.scalars(select(User.id)).all() == [agent.id]

    def test_a_deactivated_person_stays_outside(self, desk: Flask, provider: Provider) -> None:
        agent, client = an_agent(), desk.test_client()
        agent.active = False
        db.session.commit()
        provider.claims = {"email": agent.email, "email_verified": True}

        assert there_and_back(client, provider) == "/login/"

    @pytest.mark.parametrize("fault", ["state", "no state", "nonce", "another key", "another audience", "expired", "another browser", "twice", "refused there", "broken"])  # fmt: skip
    def test_a_forged_or_broken_answer_opens_nothing(self, desk: Flask, provider: Provider, fault: str) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()
        provider.claims = {"email": agent.email, "email_verified": True}
        back = provider.code_for(client.get("/login/company").location)
        match fault:
            case "state":
                back = back.rpartition("=")[0] + "=forged"
            case "no state":
                back = back.partition("&state")[0]
            case "nonce":
                provider.nonce = "of another sign-in"
            case "another key":
                provider.signing = type(provider.key).generate_key(2048, {"kid": "one"})
            case "another audience":
                provider.claims["aud"] = "another desk"
            case "expired":
                provider.claims |= {"exp": 1_000_000_000, "iat": 999_999_000}
            case "another browser":
                client = desk.test_client()
            case "twice":
                client.get(back)
                client.post("/logout/")
            case "refused there":
                back = f"/oauth-authorized/company?error=access_denied&{back.partition('&')[2]}"
            case _:
                provider.broken = True

        assert client.get(back).location == "/login/"
        assert not inside(client)

    @pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "/\\evil.test"])
    def test_it_leads_to_no_other_host(self, desk: Flask, provider: Provider, target: str) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()
        provider.claims = {"email": agent.email, "email_verified": True}

        assert there_and_back(client, provider, target) in ("/", "/%5Cevil.test")

    def test_the_way_back_is_the_public_address_whatever_the_host(self, desk: Flask, provider: Provider) -> None:
        location = desk.test_client().get("/login/company", headers={"Host": "localhost"}).location

        assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Foauth-authorized%2Fcompany" in location

    def test_no_password_opens_the_desk_and_no_link_sets_one(self, desk: Flask) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()

        assert client.post("/login/", data={"username": agent.username, "password": PASSWORD}).status_code == 405
        assert client.get("/forgotten/").status_code == 404
        assert client.get("/welcome/x").status_code == 404
        assert "Sign in with Our company" in client.get("/login/").text
        assert client.get("/login/nobody").status_code == client.get("/oauth-authorized/nobody").status_code == 404

    def test_the_second_factor_is_theirs_to_ask(self, desk: Flask, provider: Provider) -> None:
        agent, client = an_agent(), desk.test_client()
        with_factor(agent)
        db.session.get_one(RoleScope, agent.roles[0].id).second_factor = True
        db.session.commit()
        provider.claims = {"email": agent.email, "email_verified": True}

        assert there_and_back(client, provider) == "/admin/tickets/"
        assert inside(client)


def test_the_second_factor_is_asked_where_the_environment_says_so(a_desk: Made, provider: Provider) -> None:
    desk = a_desk(AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider), AUTH_SECOND_FACTOR="1")
    agent, client = an_agent(), desk.test_client()
    phone = with_factor(agent)
    provider.claims = {"email": agent.email, "email_verified": True}

    assert there_and_back(client, provider) == "/login/code"
    assert not inside(client)
    assert client.post("/login/code", data={"code": phone.code()}).location == "/admin/tickets/"
    assert inside(client)


def test_a_fresh_sign_in_stands_for_the_password_when_setting_it_up(a_desk: Made, provider: Provider) -> None:
    desk = a_desk(AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider), AUTH_SECOND_FACTOR="1")
    agent, client = an_agent(), desk.test_client()
    db.session.commit()
    provider.claims = {"email": agent.email, "email_verified": True}
    there_and_back(client, provider)

    assert client.post("/admin/me/second-factor/begin").location == "/admin/me/second-factor/"
    assert secondfactor.prepared(agent.id)
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=11), tick=False):
        assert client.post("/admin/me/second-factor/begin").status_code == 422


def test_registration_makes_whole_people_with_mapped_roles(a_desk: Made, provider: Provider) -> None:
    desk = a_desk(
        AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider), AUTH_USER_REGISTRATION="1", AUTH_USER_REGISTRATION_ROLE="Developer",
        AUTH_ROLES_MAPPING='{"helpdesk": ["Support Agent"], "bosses": ["Supervisor"]}',
    )  # fmt: skip
    client = desk.test_client()
    provider.claims = {"email": "new@desk.test", "email_verified": True, "given_name": "Nia", "family_name": "New", "groups": ["helpdesk", "others"]}  # fmt: skip

    assert there_and_back(client, provider) == "/admin/tickets/"

    user = db.session.scalars(select(User)).one()
    assert (user.username, user.email, user.first_name) == ("company_42", "new@desk.test", "Nia")
    assert {role.name for role in user.roles} == {"Support Agent", "Developer"}
    assert db.session.get(StaffProfile, user.id) is not None
    assert inside(client)


def test_roles_follow_the_provider_where_they_are_synchronised(a_desk: Made, provider: Provider) -> None:
    """Another role ends the sessions of before, as everywhere."""
    desk = a_desk(
        AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider, trusted=True), AUTH_ROLES_SYNC_AT_LOGIN="1", AUTH_ROLES_MAPPING='{"helpdesk": ["Support Agent"], "bosses": ["Supervisor"]}',
    )  # fmt: skip
    boss, client, again = a_supervisor(name="boss"), desk.test_client(), desk.test_client()
    db.session.commit()
    provider.claims = {"preferred_username": "boss", "email": "x@desk.test", "groups": ["bosses"]}
    there_and_back(client, provider)
    assert inside(client)

    provider.claims["groups"] = ["helpdesk"]
    there_and_back(again, provider)

    db.session.refresh(boss)
    assert [role.name for role in boss.roles] == ["Support Agent"]
    assert inside(again) and not inside(client)


def test_a_whitelist_narrows_a_provider(a_desk: Made, provider: Provider) -> None:
    desk = a_desk(AUTH_TYPE="oauth", OAUTH_PROVIDERS=one(provider, whitelist=["@desk\\.test"]))
    inner, outer = an_agent(), an_agent()
    outer.email = "x@desk.test.evil"
    db.session.commit()

    for user, place in ((inner, "/admin/tickets/"), (outer, "/login/")):
        provider.claims = {"email": user.email, "email_verified": True}
        assert there_and_back(desk.test_client(), provider) == place


class TestProxy:
    @pytest.fixture
    def desk(self, a_desk: Made) -> Flask:
        return a_desk(AUTH_TYPE="remote_user", AUTH_REMOTE_USER_PROXIES="127.0.0.1, 10.1.0.0/16")

    def test_its_word_signs_in(self, desk: Flask) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()

        answer = client.get("/login/?next=/admin/me/", headers={"X-Remote-User": agent.username})

        assert answer.location == "/admin/me/"
        assert inside(client)
        assert db.session.scalar(select(func.count()).select_from(SignedIn)) == 1

    @pytest.mark.parametrize("peer", ["192.0.2.7", "10.2.0.1", "::1", ""])
    def test_from_anywhere_else_it_is_air(self, desk: Flask, peer: str) -> None:
        agent, client = an_agent(), desk.test_client()
        db.session.commit()
        forged = {"X-Remote-User": agent.username, "Remote-User": agent.username, "X-Forwarded-For": "127.0.0.1"}

        answer = client.get("/login/", headers=forged, environ_overrides={"REMOTE_ADDR": peer})

        assert answer.status_code == 403
        assert not inside(client)

    def test_the_line_counts_and_not_what_it_forwards(self, a_desk: Made) -> None:
        desk = a_desk(AUTH_TYPE="remote_user", AUTH_REMOTE_USER_PROXIES="127.0.0.1")
        from werkzeug.middleware.proxy_fix import ProxyFix

        desk.wsgi_app = ProxyFix(desk.wsgi_app, x_for=1)  # type: ignore[method-assign]
        agent, client = an_agent(), desk.test_client()
        db.session.commit()
        asked = {"X-Remote-User": agent.username, "X-Forwarded-For": "127.0.0.1"}

        refused = client.get("/login/", headers=asked, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
        taken = client.get("/login/", headers={**asked, "X-Forwarded-For": "192.0.2.7"})

        assert refused.status_code == 403
        assert taken.location == "/admin/tickets/"

    def test_nobody_unknown_comes_in(self, desk: Flask) -> None:
        assert desk.test_client().get("/login/", headers={"X-Remote-User": "stranger"}).status_code == 403
        assert desk.test_client().get("/login/").status_code == 403


@pytest.mark.parametrize("header", ["X-Remote-User", "Remote-User", "REMOTE_USER", "X-Forwarded-User"])
def test_a_desk_with_passwords_ignores_every_such_header(client: FlaskClient, header: str) -> None:
    """CVE-2026-34720 of another helpdesk: the header alone signed in."""
    agent = an_agent()
    db.session.commit()

    client.get("/login/", headers={header: agent.username}, environ_overrides={"REMOTE_USER": agent.username})

    assert not inside(client)


class TestDirectory:
    """Against a stand-in of python-ldap, which is not among the pinned packages."""

    @pytest.fixture
    def people(self, monkeypatch: pytest.MonkeyPatch) -> Directory:
        monkeypatch.setattr(signon, "NEEDS", {})
        directory = Directory()
        for name, module in directory.modules().items():
            monkeypatch.setitem(sys.modules, name, module)
        return directory

    @pytest.fixture
    def desk(self, a_desk: Made, people: Directory) -> Flask:
        return a_desk(
            AUTH_TYPE="ldap", AUTH_LDAP_SERVER="ldaps://directory.test", AUTH_LDAP_SEARCH="dc=test", AUTH_LDAP_BIND_USER="cn=desk", AUTH_LDAP_BIND_PASSWORD="of the desk",
        )  # fmt: skip

    def sign_in(self, client: FlaskClient, name: str, password: str) -> str | None:
        return client.post("/login/", data={"username": name, "password": password}).location

    def test_its_people_come_in(self, desk: Flask, people: Directory) -> None:
        agent, client = an_agent(name="kim"), desk.test_client()
        db.session.commit()
        people.passwords["uid=kim,dc=test"] = "of the company"

        assert self.sign_in(client, "kim", "of the company") == "/admin/tickets/"

        assert inside(client)
        assert db.session.scalars(select(SignedIn.staff_id)).all() == [agent.id]
        assert people.options["OPT_NETWORK_TIMEOUT"] == 10

    @pytest.mark.parametrize("password", [" ", "\0", "wrong", PASSWORD, "x" * 1_000_000])
    def test_nobody_comes_in_by_another_password(self, desk: Flask, people: Directory, password: str) -> None:
        """A directory says yes to an empty one, as to anybody who does not say who they are."""
        client = desk.test_client()
        an_agent(name="kim")
        db.session.commit()
        people.passwords["uid=kim,dc=test"] = "of the company"

        assert self.sign_in(client, "kim", password) is None
        assert desk.appbuilder.sm.auth_user_ldap("kim", password) is None  # type: ignore[attr-defined]  # past the form
        assert not inside(client)

    def test_nobody_comes_in_whom_the_desk_does_not_know(self, desk: Flask, people: Directory) -> None:
        people.passwords["uid=pat,dc=test"] = "of the company"

        assert self.sign_in(desk.test_client(), "pat", "of the company") is None

    def test_a_directory_that_is_away_lets_nobody_in(self, desk: Flask, people: Directory) -> None:
        an_agent(name="kim")
        db.session.commit()
        people.away = True

        assert self.sign_in(desk.test_client(), "kim", "of the company") is None

    def test_the_second_factor_is_asked_and_set_up_with_its_password(self, desk: Flask, people: Directory) -> None:
        agent, client = an_agent(name="kim"), desk.test_client()
        db.session.commit()
        people.passwords["uid=kim,dc=test"] = "of the company"
        self.sign_in(client, "kim", "of the company")

        assert client.post("/admin/me/second-factor/begin", data={"old": PASSWORD}).status_code == 422
        assert client.post("/admin/me/second-factor/begin", data={"old": "of the company"}).status_code == 302
        secondfactor.switch_off(agent.id)
        with_factor(agent)
        assert self.sign_in(desk.test_client(), "kim", "of the company") == "/login/code"

    def test_its_page_wears_our_face(self, desk: Flask) -> None:
        page = desk.test_client().get("/login/").text

        assert "With the name and password of your company." in page and "Forgotten" not in page


def test_a_saml_providers_page_wears_our_face(a_desk: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signon, "NEEDS", {})
    desk = a_desk(AUTH_TYPE="saml", SAML_PROVIDERS='[{"name": "company", "label": "Our company", "idp": {}}]')
    client = desk.test_client()

    assert "Sign in with Our company" in client.get("/login/").text
    assert client.get("/login/nobody").status_code == 404
    assert "/saml/slo/" not in {rule.rule for rule in desk.url_map.iter_rules()}
    assert client.get("/logout/").status_code == 405


def test_the_numbers_are_flask_appbuilders() -> None:
    assert signon.TYPES == {
        "db": const.AUTH_DB, "ldap": const.AUTH_LDAP, "remote_user": const.AUTH_REMOTE_USER, "oauth": const.AUTH_OAUTH, "saml": const.AUTH_SAML,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AUTH_TYPE": "magic"}, "AUTH_TYPE is 'magic'"),
        ({"AUTH_TYPE": "ldap", "AUTH_LDAP_SERVER": "ldaps://x"}, "pip install python-ldap"),
        ({"AUTH_TYPE": "oauth"}, "OAUTH_PROVIDERS is not JSON"),
        ({"AUTH_TYPE": "oauth", "OAUTH_PROVIDERS": "[]"}, "OAUTH_PROVIDERS is a list"),
        ({"AUTH_TYPE": "oauth", "OAUTH_PROVIDERS": '[{"name": "x"}]'}, "each needs a name"),
        ({"AUTH_TYPE": "oauth", "OAUTH_PROVIDERS": "/nowhere.json"}, "No such file"),
        ({"AUTH_TYPE": "remote_user"}, "AUTH_REMOTE_USER_PROXIES says"),
        ({"AUTH_TYPE": "remote_user", "AUTH_REMOTE_USER_PROXIES": "everybody"}, "AUTH_REMOTE_USER_PROXIES"),
        ({"AUTH_USER_REGISTRATION": "1"}, "lets strangers in"),
        ({"AUTH_ROLES_MAPPING": '{"a": "b"}'}, "JSON object of lists"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    code = "from app.accounts import signon; signon.configuration()"
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AUTH", "OAUTH"))}

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**plain, **environment}, capture_output=True, text=True, timeout=60)  # fmt: skip

    assert done.returncode != 0
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["json", "py"])
def test_providers_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    words = '[{"name": "x", "remote_app": {"client_id": "y"}}]'
    file = tmp_path / f"providers.{kind}"
    file.write_text(words if kind == "json" else f"OAUTH_PROVIDERS = {words}")
    monkeypatch.setenv("AUTH_TYPE", "oauth")
    monkeypatch.setenv("OAUTH_PROVIDERS", str(file))

    read = signon.configuration()["OAUTH_PROVIDERS"]

    assert read == [{"name": "x", "remote_app": {"client_id": "y", "client_kwargs": {"default_timeout": 10}}}]
