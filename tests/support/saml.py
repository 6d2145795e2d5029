"""A real SAML 2.0 identity provider for tests: pysaml2 with xmlsec1 behind a small HTTP server on loopback.

The honest response is pysaml2's. An attack changes it before it is signed (`saml_attacks.BEFORE_SIGNING`), signs it in
another way, or changes it afterwards, as somebody between the provider and us would (`saml_attacks.AFTER_SIGNING`).
"""

import base64
import datetime
import html
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from saml2 import BINDING_HTTP_REDIRECT, saml
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.server import Server

from tests.support.saml_attacks import AFTER_SIGNING, ATTACKS, BEFORE_SIGNING, SIGNING, sign

PERSISTENT = saml.NAMEID_FORMAT_PERSISTENT
EMAIL = saml.NAMEID_FORMAT_EMAILADDRESS
_PASSWORD = {"class_ref": saml.AUTHN_PASSWORD_PROTECTED, "authn_auth": "https://idp.example"}


@dataclass(frozen=True, slots=True)
class SamlUser:
    """Who signs in: their NameID with its format, and the attributes that are asserted."""

    name_id: str
    attributes: Mapping[str, Sequence[str]]
    name_id_format: str = PERSISTENT


@dataclass(frozen=True, slots=True)
class SamlAnswer:
    """What the user's browser posts back to the service provider."""

    url: str
    fields: dict[str, str]

    def xml(self) -> bytes:
        return base64.b64decode(self.fields["SAMLResponse"])


class SamlIdp:
    """An identity provider that runs for as long as the block.

    Attributes:
        url: where it answers; `<url>/metadata` is its entity id and its metadata, `<url>/sso` its sign-in address.
        certificate: PEM, what its assertions are signed with.
    """

    url = ""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="muniment-saml-")
        self._key, self.certificate = _key_pair(Path(self._directory.name), "idp")
        self._stranger, _ = _key_pair(Path(self._directory.name), "stranger")
        self._lock = threading.Lock()
        self._trusted: list[str] = []
        self._users: dict[str, SamlUser] = {}
        self._signs_in_as: str | None = None
        self._attack: str | None = None
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._web.server_address[1]}"
        self._server = self._configured()

    def __enter__(self) -> Self:
        threading.Thread(target=self._web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.shutdown()
        self._web.server_close()
        self._directory.cleanup()

    @property
    def entity_id(self) -> str:
        return f"{self.url}/metadata"

    @property
    def metadata(self) -> str:
        """Its metadata document."""
        return str(entity_descriptor(self._server.config))

    def trust(self, metadata: str) -> None:
        """Answer requests of the service provider that this metadata document describes."""
        with self._lock:
            self._trusted.append(metadata)
            self._server = self._configured()

    def user(self, name_id: str, *, name_id_format: str = PERSISTENT, **attributes: str | Sequence[str]) -> None:
        """Make or change a user; attributes by their friendly names (`mail`, `displayName`, `groups`, …)."""
        listed = {name: [value] if isinstance(value, str) else list(value) for name, value in attributes.items()}
        self._users[name_id] = SamlUser(name_id, listed, name_id_format)

    def sign_in_as(self, name_id: str | None) -> None:
        """Sign everyone in as this user without asking; None to show a page with one link a user."""
        self._signs_in_as = name_id

    def attack(self, name: str | None) -> None:
        """Send bad responses from now on; None for honest ones. `ATTACKS` names them."""
        if name is not None and name not in ATTACKS:
            raise ValueError(f"{name!r} is none of {', '.join(ATTACKS)}")
        self._attack = name

    def answer(self, request_url: str, name_id: str | None = None) -> SamlAnswer:
        """What this provider has the browser post, when the browser was sent to `request_url`.

        Args:
            request_url: an address at this provider with SAMLRequest and perhaps RelayState in its query.
            name_id: who signs in; who `sign_in_as` named, if absent.
        """
        query = parse_qs(urlsplit(request_url).query)
        with self._lock:
            request = self._server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
            asked = self._server.response_args(request.message)
            answer = self._respond(
                in_response_to=asked["in_response_to"],
                destination=asked["destination"],
                audience=asked["sp_entity_id"],
                user=self._users[name_id or self._signs_in_as or ""],
            )
        if "RelayState" in query:
            answer.fields["RelayState"] = query["RelayState"][0]
        return answer

    def asks_for(self, request_url: str) -> list[str]:
        """Whose links the page at `request_url` shows; empty when it signs in without asking."""
        return [] if self._signs_in_as else sorted(self._users)

    def _respond(self, *, in_response_to: str, destination: str, audience: str, user: SamlUser) -> SamlAnswer:
        honest = self._server.create_authn_response(
            {name: list(values) for name, values in user.attributes.items()},
            in_response_to=in_response_to,
            destination=destination,
            sp_entity_id=audience,
            name_id=saml.NameID(format=user.name_id_format, text=user.name_id),
            authn=_PASSWORD,
            sign_assertion=False,
            sign_response=False,
        )
        response = etree.fromstring(str(honest).encode())
        before = BEFORE_SIGNING.get(self._attack or "")
        if before is not None:
            before(response)
        how = SIGNING.get(self._attack or "", SIGNING["honest"])
        response = sign(response, how, key=self._stranger if how.stranger else self._key)
        after = AFTER_SIGNING.get(self._attack or "")
        text = after(response) if after is not None else etree.tostring(response)
        return SamlAnswer(destination, {"SAMLResponse": base64.b64encode(text).decode()})

    def _configured(self) -> Server:
        settings: dict[str, Any] = {
            "entityid": f"{self.url}/metadata",
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [(f"{self.url}/sso", BINDING_HTTP_REDIRECT)]},
                    "policy": {
                        "default": {
                            "lifetime": {"minutes": 5},
                            "attribute_restrictions": None,
                            "name_form": saml.NAME_FORMAT_BASIC,
                            "fail_on_missing_requested": False,
                        }
                    },
                }
            },
            "key_file": str(self._key),
            "cert_file": str(self._key.with_suffix(".crt")),
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "metadata": {"inline": list(self._trusted)},
            "allow_unknown_attributes": True,
        }
        return Server(config=IdPConfig().load(settings))


def _handler(idp: SamlIdp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """`/metadata`, and `/sso`: a form that posts itself, after a link for each user where one must choose."""

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/metadata":
                self._say(200, "application/samlmetadata+xml", idp.metadata)
            elif address.path == "/sso" and idp.asks_for(self.path) and "user" not in parse_qs(address.query):
                self._say(200, "text/html", _choice(self.path, idp.asks_for(self.path)))
            elif address.path == "/sso":
                self._say(
                    200, "text/html", _form(idp.answer(self.path, parse_qs(address.query).get("user", [None])[0]))
                )
            else:
                self._say(404, "text/plain", "not here")

        def _say(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: pytest shows what a test says, not what its servers do."""

    return Handler


def _choice(path: str, names: Sequence[str]) -> str:
    links = "".join(f'<p><a href="{html.escape(f"{path}&user={name}")}">{html.escape(name)}</a></p>' for name in names)
    return f"<!doctype html><title>Test identity provider</title>{links}"


def _form(answer: SamlAnswer) -> str:
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in answer.fields.items()
    )
    return (
        f'<!doctype html><title>Test identity provider</title><form method="post" action="{html.escape(answer.url)}">'
        f"{inputs}<button>Continue</button></form><script>document.forms[0].submit()</script>"
    )


def _key_pair(directory: Path, name: str) -> tuple[Path, str]:
    """A new RSA key and its self-signed certificate: `<name>.key` and `<name>.crt`; and the certificate's PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path = directory / f"{name}.key"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    path.with_suffix(".crt").write_bytes(pem)
    return path, pem.decode()


__all__ = ["ATTACKS", "EMAIL", "PERSISTENT", "SamlAnswer", "SamlIdp", "SamlUser"]
