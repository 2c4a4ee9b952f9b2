"""A small provider of OpenID Connect on loopback: it signs what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey


class Provider:
    """`claims` stand in the next ID token; `nonce` overrides the one that was asked for; `key` signs."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signing = self.key
        self.claims: dict[str, Any] = {}
        self.nonce: str | None = None
        self.nonces: dict[str, str] = {}
        self.url = ""
        self.broken = False

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo", "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip

    def token(self, code: str) -> dict[str, Any]:
        now = int(time.time())
        asked = self.nonces.get(code, "")
        words = {"iss": self.url, "aud": "desk", "sub": "42", "iat": now, "exp": now + 300, "nonce": self.nonce if self.nonce is not None else asked, **self.claims}  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, words, self.signing)
        return {"access_token": "a secret of theirs", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def code_for(self, location: str) -> str:
        """As if the person had signed in there: the address that leads back to the desk."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = asked.get("nonce", "")
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?code={code}&state={asked['state']}"


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(provider.metadata() if "well-known" in self.path else {"keys": [provider.key.as_dict(private=False)]})  # fmt: skip

        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._say(provider.token(body["code"][0]))

        def _say(self, words: dict[str, Any]) -> None:
            sent = b"<html>a proxy's error" if provider.broken else json.dumps(words).encode()
            self.send_response(500 if provider.broken else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
