"""Staff's way in when somebody else knows them: a directory, a provider of OAuth or SAML, a proxy in front of the desk."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from flask import abort, current_app, g, redirect, request, session
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.security.views import AuthLDAPView, AuthOAuthView, AuthRemoteUserView, AuthSAMLView
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from joserfc.errors import JoseError

from app.accounts.views.signin import Entrance, PasswordEntrance
from app.core.errors import Forbidden
from app.core.extensions import csrf

log = logging.getLogger(__name__)

PROVIDERS_FAULTS = (AuthlibBaseError, JoseError, requests.RequestException, ValueError, KeyError, TypeError)
"""What a provider's answer can end in: it comes from outside and may be anything."""


class DirectorySignInView(PasswordEntrance, AuthLDAPView):
    """Name and password of the company's directory."""

    login_template = "appbuilder/general/security/login_ldap.html"

    def check(self, name: str, password: str) -> User | None:
        return self.appbuilder.sm.auth_user_ldap(name, password)


class ProviderSignInView(Entrance, AuthOAuthView):
    """A button a provider; the provider sends them back with a code, which the desk turns into who they are."""

    title = _l("Sign in")

    @expose("/login/")
    @expose("/login/<provider>")
    def login(self, provider: str | None = None) -> Any:
        if g.user.is_authenticated:
            return redirect("/admin/tickets/")
        if provider is None:
            return self.render_template(
                self.login_template, providers=self.appbuilder.sm.oauth_providers, title=self.title
            )
        remote = self._remote(provider)
        session["following"] = request.args.get("next", "")
        try:
            return remote.authorize_redirect(
                redirect_uri=f"{current_app.config['PUBLIC_URL']}/oauth-authorized/{provider}"
            )
        except PROVIDERS_FAULTS as problem:
            log.warning("sign-in: %s does not answer: %s", provider, problem)
            return self.turn_away(_("The sign-in service does not answer. Please try again in a moment."))

    @expose("/oauth-authorized/<provider>")
    def oauth_authorized(self, provider: str) -> Any:
        """State and nonce are looked at before anything is believed, let alone written."""
        remote, sm = self._remote(provider), self.appbuilder.sm
        following = session.get("following", "")
        try:
            person = sm.user_of_token(provider, remote.authorize_access_token())
        except PROVIDERS_FAULTS as problem:
            log.warning("sign-in: the answer of %s was refused: %s", provider, problem)
            return self.turn_away(_("The sign-in service refused, or this took too long. Please try again."))
        user = sm.auth_user_oauth(person) if self._welcome(provider, person) else None
        if user is None:
            return self.turn_away(
                _("You are known there, but not here. Ask an admin of this desk to add you with the same address.")
            )
        return self.admit(user, following)

    def _remote(self, provider: str) -> Any:
        return self.appbuilder.sm.oauth_remotes.get(provider) or abort(404)

    def _welcome(self, provider: str, person: dict[str, Any]) -> bool:
        """A provider may be narrowed to addresses that end in one of its `whitelist`."""
        ends = self.appbuilder.sm.oauth_whitelists.get(provider)
        return ends is None or any(re.search(f"(?:{end})$", person.get("email", ""), re.I) for end in ends)


class SamlSignInView(Entrance, AuthSAMLView):
    """A button a provider, whose signed assertion a form brings back. Single logout is not offered: it would sign out by a link."""

    title = _l("Sign in")
    slo = None

    @expose("/login/")
    @expose("/login/<idp>")
    def login(self, idp: str | None = None) -> Any:
        sm = self.appbuilder.sm
        if g.user.is_authenticated:
            return redirect("/admin/tickets/")
        if idp is None:
            return self.render_template(self.login_template, providers=sm.saml_providers, title=self.title)
        if sm.get_saml_provider(idp) is None:
            abort(404)
        from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError

        try:
            return redirect(sm.get_saml_login_redirect_url(idp))
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, ValueError) as problem:
            log.warning("sign-in: %s is not set up: %s", idp, problem)
            return self.turn_away(_("The sign-in service does not answer. Please try again in a moment."))

    @csrf.exempt
    @expose("/saml/acs/", methods=["POST"])
    def acs(self) -> Any:
        """Comes from the provider's page, so without a token of ours and without our cookie: the signature alone counts."""
        from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError

        sm = self.appbuilder.sm
        user = None
        try:
            person = next(filter(None, (sm.get_saml_userinfo(one["name"]) for one in sm.saml_providers)), None)
            user = sm.auth_user_saml(person) if person else None
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError, ValueError) as problem:
            log.warning("sign-in: an assertion was refused: %s", problem)
        if user is None:
            return self.turn_away(_("You are known there, but not here. Ask an admin of this desk to add you with the same address."))  # fmt: skip
        return self.admit(user, "")


class ProxySignInView(Entrance, AuthRemoteUserView):
    """The proxy in front says who it is, in a header. From any other address the header is air."""

    @expose("/login/")
    def login(self) -> Any:
        if g.user.is_authenticated:
            return redirect("/admin/tickets/")
        name = request.environ.get(self.appbuilder.sm.auth_remote_user_env_var, "") if _from_proxy() else ""
        user = self.appbuilder.sm.auth_user_remote_user(name) if name else None
        if user is None:
            raise Forbidden(_("You are not signed in at the entrance of this network, or have no account here."))
        return self.admit(user, request.args.get("next", ""))


def _from_proxy() -> bool:
    """By the address at the other end of the line, whatever X-Forwarded-For says."""
    before = request.environ.get("werkzeug.proxy_fix.orig") or {}
    peer = before.get("REMOTE_ADDR") or request.remote_addr or ""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in current_app.config["AUTH_REMOTE_USER_PROXIES"])
