"""Who may talk to a proxy on loopback: programs of this machine, and no web page that a browser of it shows.

A page can make a browser post to 127.0.0.1. Its `Origin` gives it away; and if its own name was pointed at 127.0.0.1
(DNS rebinding), its `Host` does. The proxy has to look, because it rewrites `Host` for the upstream server, which could
not tell any more.
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from muniment.agent.proxy.exchange import Reply, RequestHead
from muniment.agent.proxy.headers import every


class Guard:
    """Refuses what does not come from a program of this machine.

    Args:
        hosts: further names, without port, under which this proxy may be addressed.
        origins: further origins, such as `https://app.example`, whose pages may use it.
    """

    def __init__(self, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower() for origin in origins)

    def check(self, head: RequestHead) -> Reply | None:
        """None if the request may pass, otherwise the refusal."""
        hosts = every(head.headers, b"host")
        if len(hosts) > 1 or (hosts and not self._is_ours(hosts[0].decode("latin-1"))):
            return Reply.error(421, "host", "this proxy is not known by that Host; name it with --allow-host")
        for value in every(head.headers, b"origin"):
            origin = value.decode("latin-1").lower()
            if origin not in self._origins and not is_loopback(urlsplit_host(origin)):
                return Reply.error(403, "origin", "pages of that origin may not use this proxy; see --allow-origin")
        if not head.path.startswith(b"/"):
            return Reply.error(400, "target", "the request's target is no path")
        return None

    def _is_ours(self, host: str) -> bool:
        name = urlsplit_host(f"//{host}")
        return is_loopback(name) or name in self._hosts


def urlsplit_host(url: str) -> str:
    """The host of a URL in lower case; empty where there is none.

    >>> urlsplit_host("http://[::1]:8731"), urlsplit_host("null")
    ('::1', '')
    """
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a name or address without port is this machine's loopback interface.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.0.0.1.evil.example", "")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
