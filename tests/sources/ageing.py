"""Sessions as if time had gone by."""

import httpx
from django.core import signing

from tests.support.servers import Installation


def age_second_factor(installation: Installation, client: httpx.Client, seconds: float) -> None:
    """As if the second factor of a client's session had been given so much earlier."""
    key = (installation.places.keys / "web.key").read_text().strip()
    signer = signing.TimestampSigner(key=key, salt="django.contrib.sessions.SessionStore", fallback_keys=[])
    session = client.cookies["muniment_session"]
    with installation.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "SELECT session_data FROM django.django_session WHERE session_key = %s", [session]
        ).fetchone()
        assert row is not None
        data = signer.unsign_object(row[0], serializer=signing.JSONSerializer)
        for record in data["account_authentication_methods"]:
            record["at"] -= seconds
        sealed = signer.sign_object(data, serializer=signing.JSONSerializer, compress=True)
        connection.execute(
            "UPDATE django.django_session SET session_data = %s WHERE session_key = %s", [sealed, session]
        )
