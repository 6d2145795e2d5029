"""Timestamp authorities for tests: a real one, `openssl ts` behind a small HTTP server, and forged tokens beside it.

`Tsa` has a root and a signer's certificate; `reply` lets openssl answer a query. `forge` signs a token itself, with the
same key, at any time and with any part wrong, which openssl would not do. `serving` puts an authority on a free port of
loopback, and lets it misbehave.
"""

import datetime
import hashlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from muniment.core.timestamp_der import (
    GENERALIZED_TIME,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Fields,
    element,
    integer,
    oid,
    read_element,
)

POLICY = "1.3.6.1.4.1.13762.3"
SHA256 = "2.16.840.1.101.3.4.2.1"

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {directory}/serial
default_policy = {policy}
other_policies = 1.3.6.1.4.1.13762.4
digests = sha256
signer_digest = sha256
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
crypto_device = builtin
"""

_KEYS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("signer",)}
_ROOT_KEY = ec.generate_private_key(ec.SECP256R1())


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def certificate(
    name: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    begins: float,
    ends: float,
    *,
    ca: bool = False,
    usage: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    path_length: int | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(begins))
        .not_valid_after(moment(ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False), critical=True)
    )
    if usage is not None and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


@dataclass
class Tsa:
    """An authority.

    Attributes:
        directory: its own; holds what openssl reads.
        begins, ends: validity of the signer's certificate, seconds since the Unix epoch.
        intermediate: whether an authority stands between root and signer.
    """

    directory: Path
    begins: float = 1_700_000_000
    ends: float = 1_900_000_000
    intermediate: bool = False
    usage: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.TIME_STAMPING,)
    critical: bool = True
    name: str = "Test TSA"
    root: x509.Certificate = field(init=False)
    middle: x509.Certificate | None = field(init=False, default=None)
    signer: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        long = (1_600_000_000.0, 2_200_000_000.0)
        self.root = certificate(f"{self.name} root", _ROOT_KEY, None, _ROOT_KEY, *long, ca=True)
        issuer = self.root
        if self.intermediate:
            self.middle = certificate(f"{self.name} CA", _ROOT_KEY, self.root, _ROOT_KEY, *long, ca=True)
            issuer = self.middle
        self.signer = certificate(
            self.name, self.key, issuer, _ROOT_KEY, self.begins, self.ends, usage=self.usage, critical=self.critical
        )
        self._write("signer.pem", pem(self.signer))
        self._write("root.pem", pem(self.root))
        self._write("chain.pem", pem(*self.chain))
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self._write("key.pem", self.key.private_bytes(encoding, form, serialization.NoEncryption()))
        self._write("tsa.cnf", _CONFIG.format(directory=self.directory, policy=POLICY).encode())
        self._write("serial", b"1000\n")

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (self.root,) if self.middle is None else (self.middle, self.root)

    @property
    def root_file(self) -> Path:
        return self.directory / "root.pem"

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return _KEYS["signer"]

    def reply(self, query: bytes, *, token: bool = False) -> bytes:
        """What `openssl ts -reply` answers to a query."""
        asked = self.directory / f"{hashlib.sha256(query).hexdigest()[:16]}.tsq"
        asked.write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", self.directory / "tsa.cnf", "-queryfile", asked]
        command += ["-inkey", self.directory / "key.pem", "-signer", self.directory / "signer.pem"]
        if self.middle is not None:
            command += ["-chain", self.directory / "chain.pem"]
        done = subprocess.run([*command, *(["-token_out"] if token else [])], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _write(self, name: str, data: bytes) -> None:
        (self.directory / name).write_bytes(data)


def query_fields(query: bytes) -> tuple[bytes, int | None]:
    """Imprint and nonce of a query."""
    fields = Fields(read_element(query, "query"), "query")
    fields.take("version")
    imprint = Fields(fields.take("imprint"), "imprint")
    imprint.take("algorithm")
    stamped = imprint.take("hash").content
    fields.optional(0x06)
    nonce = fields.optional(0x02)
    return stamped, None if nonce is None else int.from_bytes(nonce.content, "big")


def forge(
    tsa: Tsa,
    imprint: bytes,
    at: float,
    *,
    nonce: int | None = None,
    policy: str = POLICY,
    certificates: tuple[x509.Certificate, ...] | None = None,
    signed_info: bytes | None = None,
) -> bytes:
    """A token that the authority's key signs, with any time in it.

    Args:
        tsa: whose key and certificate.
        imprint: 32 bytes.
        at: seconds since the Unix epoch.
        nonce: carried as given.
        policy: dotted.
        certificates: what comes along instead of the signer's certificate and what stands above it.
        signed_info: what the signature covers instead of the token's own time information.
    """
    hash_ = element(SEQUENCE, oid(SHA256), element(NULL))
    time = moment(at).strftime("%Y%m%d%H%M%SZ").encode()
    info = element(
        SEQUENCE,
        integer(1),
        oid(policy),
        element(SEQUENCE, hash_, element(OCTET_STRING, imprint)),
        integer(int.from_bytes(hashlib.sha256(imprint + time).digest()[:8], "big")),
        element(GENERALIZED_TIME, time),
        *(() if nonce is None else (integer(nonce),)),
    )
    der = tsa.signer.public_bytes(serialization.Encoding.DER)
    named = element(SEQUENCE, element(SEQUENCE, element(SEQUENCE, element(OCTET_STRING, hashlib.sha256(der).digest()))))
    attributes = sorted(
        element(SEQUENCE, oid(kind), element(SET, value))
        for kind, value in (
            ("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.9.16.1.4")),
            ("1.2.840.113549.1.9.4", element(OCTET_STRING, hashlib.sha256(signed_info or info).digest())),
            ("1.2.840.113549.1.9.16.2.47", named),
        )
    )
    signature = tsa.key.sign(element(SET, *attributes), padding.PKCS1v15(), hashes.SHA256())
    sent = (tsa.signer, *tsa.chain[:-1]) if certificates is None else certificates
    signer = element(
        SEQUENCE,
        integer(1),
        element(SEQUENCE, tsa.signer.issuer.public_bytes(), integer(tsa.signer.serial_number)),
        hash_,
        element(0xA0, *attributes),
        element(SEQUENCE, oid("1.2.840.113549.1.1.1"), element(NULL)),
        element(OCTET_STRING, signature),
    )
    data = element(
        SEQUENCE,
        integer(3),
        element(SET, hash_),
        element(SEQUENCE, oid("1.2.840.113549.1.9.16.1.4"), element(0xA0, element(OCTET_STRING, info))),
        element(0xA0, *sorted(one.public_bytes(serialization.Encoding.DER) for one in sent)),
        element(SET, signer),
    )
    return element(SEQUENCE, oid("1.2.840.113549.1.7.2"), element(0xA0, data))


def granted(token: bytes) -> bytes:
    """The response that carries a token."""
    return element(SEQUENCE, element(SEQUENCE, integer(0)), token)


def openssl_verifies(token: bytes, imprint: bytes, roots: Path, directory: Path, at: float) -> bool:
    """Whether `openssl ts -verify` accepts a token at some time."""
    file = directory / f"{hashlib.sha256(token).hexdigest()[:16]}.tst"
    file.write_bytes(token)
    command = ["openssl", "ts", "-verify", "-digest", imprint.hex(), "-in", str(file), "-token_in"]
    command += ["-CAfile", str(roots), "-attime", str(int(at)), "-partial_chain"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


Answer = Callable[[bytes], bytes]


def answering(tsa: Tsa, **changed: object) -> Answer:
    """An authority that answers with a token in which something is as given."""

    def answer(query: bytes) -> bytes:
        imprint, nonce = query_fields(query)
        values = {"imprint": imprint, "at": time.time(), "nonce": nonce} | changed
        return granted(forge(tsa, **values))  # type: ignore[arg-type]

    return answer


@dataclass
class Served:
    """A server of an authority.

    Attributes:
        url: where it answers.
        answer: what is answered to a query; may be replaced at any time.
        status, content_type: of the answer.
        drip: seconds between the bytes of an answer; 0 sends it whole.
        asked: the queries that came.
    """

    url: str
    answer: Answer
    status: int = 200
    content_type: str = "application/timestamp-reply"
    drip: float = 0.0
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def serving(tsa: Tsa) -> Iterator[Served]:
    """The authority on a free port of loopback, for as long as the block."""
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            served.asked.append(query)
            self._send(served.answer(query))

        def do_GET(self) -> None:
            self._send(served.answer(b""))

        def _send(self, body: bytes) -> None:
            self.send_response(served.status)
            self.send_header("Content-Type", served.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                if not served.drip:
                    self.wfile.write(body)
                    return
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    if stopping.wait(served.drip):
                        return
            except (BrokenPipeError, ConnectionResetError):
                return

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = Served(f"http://127.0.0.1:{server.server_address[1]}/tsr", tsa.reply)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            stopping.set()
            server.shutdown()
            thread.join()
