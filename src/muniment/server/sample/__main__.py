"""`python -m muniment.server.sample`: make the sample tenant in the installation that runs here."""

import os
import sys

from muniment.core.errors import MunimentError, Refused
from muniment.server.installation_tenants import open_connection
from muniment.server.runtime import Places, read_server


def main() -> None:
    """Make the sample and say what there is to see."""
    places = Places.of()
    try:
        server = read_server(places)
        if server is None:
            raise Refused("the sample's events go through the running server: muniment up --sample", "sample")
        os.environ["MUNIMENT_APP_URL"] = places.database_url("app")
        os.environ["DJANGO_SETTINGS_MODULE"] = "muniment.server.settings"
        import django

        django.setup()
        from muniment.server.sample.generate import make_sample

        with open_connection(places) as connection:
            made = make_sample(connection, places, server.url)
    except MunimentError as error:
        print(f"muniment: the sample was not made: {error}", file=sys.stderr)
        sys.exit(1)
    address = f"{server.url.replace('127.0.0.1', 'localhost')}{made.tenant.prefix}/"
    verb = f"{made.recorded:,} events recorded" if made.recorded else "there already"
    state = "all sealed" if made.sealed >= made.size else f"{made.sealed:,} sealed so far"
    walk = "checked by an audit walk" if made.walked else "not walked yet"
    print(f"  sample    {address} ({verb}; {made.size:,} entries, {state}, {walk})")


if __name__ == "__main__":
    main()
