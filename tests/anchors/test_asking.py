"""Asking an authority: a real one, and every way in which an answer can be bad."""

import dataclasses
import hashlib
import socket
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from muniment.anchors.asking import NoTimestamp, obtain
from muniment.anchors.authorities import Authority
from muniment.core.timestamp_exchange import timestamp_request
from tests.support.tsa import _ROOT_KEY as ROOT_KEY
from tests.support.tsa import (
    POLICY,
    Served,
    Tsa,
    answering,
    certificate,
    granted,
    moment,
    openssl_verifies,
    query_fields,
    serving,
)

IMPRINT = hashlib.sha256(b"sealed note").digest()


def refused(authority: Authority) -> NoTimestamp:
    with pytest.raises(NoTimestamp) as caught:
        obtain(authority, IMPRINT)
    return caught.value


def test_a_real_authority_stamps_and_openssl_agrees(authority: Authority, tsa: Tsa, tmp_path: Path) -> None:
    found = obtain(authority, IMPRINT)
    assert abs(found.stamped.time / 1_000_000 - time.time()) < 60
    assert found.stamped.until == tsa.ends
    assert found.stamped.chain == (tsa.signer, tsa.root)
    assert openssl_verifies(found.token, IMPRINT, tsa.root_file, tmp_path, time.time())


def test_a_real_authority_that_sends_its_chain_is_understood(tmp_path: Path) -> None:
    tsa = Tsa(tmp_path, intermediate=True)
    with serving(tsa) as served:
        found = obtain(Authority("here", served.url, (tsa.root,)), IMPRINT)
    assert found.stamped.chain == (tsa.signer, tsa.middle, tsa.root)


def test_what_stands_between_may_also_come_from_the_settings(tmp_path: Path) -> None:
    tsa = Tsa(tmp_path, intermediate=True)
    assert tsa.middle is not None
    with serving(tsa) as served:
        served.answer = answering(tsa, certificates=(tsa.signer,))
        bare = Authority("here", served.url, (tsa.root,))
        assert refused(bare).word == "unknown-authority"
        found = obtain(dataclasses.replace(bare, chain=(tsa.middle,)), IMPRINT)
    assert found.stamped.chain == (tsa.signer, tsa.middle, tsa.root)


def test_the_signers_own_certificate_can_be_pinned(authority: Authority, tsa: Tsa) -> None:
    found = obtain(dataclasses.replace(authority, pinned=(tsa.signer,)), IMPRINT)
    assert found.stamped.chain == (tsa.signer,)


def test_a_policy_that_was_asked_for_is_required(authority: Authority, served: Served, tsa: Tsa) -> None:
    assert obtain(dataclasses.replace(authority, policy="1.3.6.1.4.1.13762.4"), IMPRINT)
    served.answer = answering(tsa, policy="1.3.6.1.4.1.13762.5")
    wrong = refused(dataclasses.replace(authority, policy=POLICY))
    assert (wrong.word, wrong.reason) == ("wrong-policy", f"it stamped under 1.3.6.1.4.1.13762.5, not {POLICY}")


def test_a_policy_that_the_authority_does_not_have_is_rejected_by_it(authority: Authority) -> None:
    error = refused(dataclasses.replace(authority, policy="1.2.3.4"))
    assert (error.word, error.where) == ("rejected", "here")
    assert error.reason == "it answers: rejection; Requested policy is not supported.; unaccepted policy"


BAD: dict[str, tuple[dict[str, object], str]] = {
    "an old answer with another number": ({"nonce": 42}, "wrong-nonce"),
    "no number at all": ({"nonce": None}, "wrong-nonce"),
    "another hash": ({"imprint": hashlib.sha256(b"other").digest()}, "wrong-hash"),
    "a signature over something else": ({"signed_info": b"other"}, "wrong-signature"),
    "no certificate": ({"certificates": ()}, "wrong-signature"),
    "a clock an hour ahead": ({"at": time.time() + 3600}, "wrong-time"),
    "a clock an hour behind": ({"at": time.time() - 3600}, "wrong-time"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused_with_a_word(name: str, authority: Authority, served: Served, tsa: Tsa) -> None:
    changed, word = BAD[name]
    served.answer = answering(tsa, **changed)
    assert refused(authority).word == word


def test_an_authority_whose_certificate_has_expired_is_refused(tmp_path: Path) -> None:
    tsa = Tsa(tmp_path, ends=time.time() - 60)
    with serving(tsa) as served:
        error = refused(Authority("here", served.url, (tsa.root,)))
    assert (error.word, error.reason) == (
        "expired-certificate",
        "the certificate of Test TSA was not valid at the token's time",
    )


@pytest.mark.parametrize(
    ("usage", "critical"),
    [
        ((ExtendedKeyUsageOID.SERVER_AUTH,), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH), True),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        (None, True),
    ],
    ids=["for servers", "for servers too", "not critical", "for nothing in particular"],
)
def test_a_certificate_that_is_not_for_timestamping_alone_is_refused(
    usage: tuple[x509.ObjectIdentifier, ...] | None, critical: bool, tmp_path: Path
) -> None:
    tsa = Tsa(tmp_path, usage=usage, critical=critical)
    with serving(tsa) as served:
        served.answer = answering(tsa)
        assert refused(Authority("here", served.url, (tsa.root,))).word == "wrong-usage"


def test_an_authority_that_is_not_pinned_is_refused(authority: Authority, tmp_path: Path) -> None:
    stranger = Tsa(tmp_path, name="Stranger")
    assert refused(dataclasses.replace(authority, pinned=(stranger.root,))).word == "unknown-authority"


def test_a_signer_may_not_issue_another_signer(tmp_path: Path) -> None:
    tsa = Tsa(tmp_path)
    sub = certificate("Sub TSA", tsa.key, tsa.signer, tsa.key, tsa.begins, tsa.ends)
    fake = Tsa(tmp_path / "sub")
    fake.signer = sub
    with serving(tsa) as served:
        served.answer = answering(fake, certificates=(sub, tsa.signer))
        error = refused(Authority("here", served.url, (tsa.root,)))
    assert (error.word, error.reason) == ("wrong-usage", "Test TSA may not issue this certificate")


def test_a_revoked_certificate_is_refused_by_a_list_that_its_issuer_signed(
    authority: Authority, tsa: Tsa, tmp_path: Path
) -> None:
    file = tmp_path / "list.crl"
    file.write_bytes(revocation_list(tsa, tsa.signer.serial_number))
    error = refused(dataclasses.replace(authority, crls=(str(file),)))
    assert (error.word, error.reason) == ("revoked-certificate", "the certificate of Test TSA is revoked")
    file.write_bytes(revocation_list(tsa, 1))
    found = obtain(dataclasses.replace(authority, crls=(str(file),)), IMPRINT)
    assert [one.origin for one in found.lists] == [str(file)]


def test_a_list_that_is_not_to_be_had_is_noted_and_stops_nothing(authority: Authority, tmp_path: Path) -> None:
    found = obtain(dataclasses.replace(authority, crls=(str(tmp_path / "none.crl"),)), IMPRINT)
    assert found.lists == ()
    assert found.notes[0].startswith(f"the revocation list {tmp_path / 'none.crl'} was not to be had")


def revocation_list(tsa: Tsa, serial: int) -> bytes:
    now = moment(time.time())
    revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(tsa.root.subject).last_update(now).next_update(now)
    return (
        builder.add_revoked_certificate(revoked)
        .sign(ROOT_KEY, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize(
    "answer", [b"", b"<html>moved</html>", b"0\x80", b"0\x03\x02\x01\x00", granted(b"0\x00"), b"\x30\x03\x30\x01\x02"]
)
def test_garbage_is_called_garbage(answer: bytes, authority: Authority, served: Served) -> None:
    served.answer = lambda _: answer
    assert refused(authority).word == "garbage"


def test_an_answer_that_is_too_large_is_not_read_to_its_end(authority: Authority, served: Served) -> None:
    served.answer = lambda _: bytes(1 << 20)
    error = refused(authority)
    assert (error.word, error.reason) == ("too-large", "its answer is longer than 262,144 bytes")


def test_an_answer_that_drips_is_given_up_after_the_time_as_a_whole(authority: Authority, served: Served) -> None:
    served.drip = 0.2
    error = refused(dataclasses.replace(authority, timeout=1.0))
    assert (error.word, error.reason) == ("too-slow", "its answer took longer than 1 s")


def test_an_authority_that_says_nothing_is_given_up(tsa: Tsa) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        assert refused(Authority("here", url, (tsa.root,), timeout=0.3)).word == "too-slow"


def test_an_authority_that_is_down_or_answers_an_error_is_unreachable(
    authority: Authority, served: Served, tsa: Tsa
) -> None:
    served.status = 500
    error = refused(authority)
    assert (error.word, error.reason) == ("unreachable", "it answers with status 500")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    error = refused(Authority("here", url, (tsa.root,)))
    assert error.word == "unreachable"
    assert url in error.reason


def test_no_redirect_is_followed(authority: Authority, served: Served) -> None:
    served.status = 302
    assert refused(authority).word == "unreachable"


def test_each_request_has_another_number(authority: Authority, served: Served) -> None:
    obtain(authority, IMPRINT)
    obtain(authority, IMPRINT)
    first, second = (query_fields(query)[1] for query in served.asked)
    assert first is not None
    assert first != second
    assert served.asked[0] == timestamp_request(IMPRINT, first)
