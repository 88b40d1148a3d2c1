"""
Which addresses may be told of events: the form of a URL (S65) and the machines that may be reached (S66). No I/O.

A URL is checked when it is stored and on each send; the machines that its name resolves to are checked on each send.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from scheduling.exceptions import InvalidWebhookUrl

Address = IPv4Address | IPv6Address

MOST_BYTES = 2048
USUAL_PORTS = {"https": 443, "http": 80}
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,253}}$)({LABEL}\.)+{LABEL}")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A name whose last label looks so is an address in disguise to many programs (WHATWG URL, section 3.5)."""
VISIBLE = re.compile(r"[!-~]+")
CLOSED = tuple(
    map(
        ip_network,
        (
            "64:ff9b::/96",  # NAT64: an IPv4 address inside, any one
            "64:ff9b:1::/48",
            "2002::/16",  # 6to4, the same
            "2001::/32",  # Teredo
            "::/96",
            "3fff::/20",  # of examples
            "192.88.99.0/24",  # relays of 6to4
            "192.0.0.0/24",  # of protocols; some versions of Python call a part of it global
        ),
    )
)
"""What Python calls global and is not for us."""
GLOBAL_UNICAST = ip_network("2000::/3")
"""Where all public IPv6 addresses are (RFC 4291, section 2.4)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the clinic allows beyond https on port 443; `local_hosts` only on a developer's machine."""

    ports: Collection[int] = field(default=())
    local_hosts: Collection[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is a name or an address without brackets, `path` begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str
    local: bool = False

    @property
    def host_header(self) -> str:
        """Return the value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL_PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, limits: Limits) -> Target:
    """
    Return where a URL leads.

    Raises:
        InvalidWebhookUrl: it is not one that may be stored or called (S65); `detail` says why.
    """
    if len(url) > MOST_BYTES:
        raise InvalidWebhookUrl(f"The address is longer than {MOST_BYTES} characters.")
    if not VISIBLE.fullmatch(url) or "\\" in url:
        raise InvalidWebhookUrl("The address must be ASCII without blanks.")
    parts, port = _parts(url)
    if "@" in parts.netloc:
        raise InvalidWebhookUrl("The address must not hold a user name.")
    if "#" in url:
        raise InvalidWebhookUrl("The address must not hold a fragment.")
    host = parts.hostname or ""
    local = host in limits.local_hosts
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise InvalidWebhookUrl("The address must begin with https://.")
    port = USUAL_PORTS[parts.scheme] if port is None else port
    if not local:
        _check_host(host)
        if port != USUAL_PORTS["https"] and port not in limits.ports:
            raise InvalidWebhookUrl("That port is not allowed.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, local=local)


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidWebhookUrl("The address cannot be read.") from error
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidWebhookUrl("The address cannot be read.")
    return parts, port


def _check_host(host: str) -> None:
    """Accept a full name, or an address in its usual form that may be reached."""
    if NUMBER.fullmatch(host.rpartition(".")[2]) or ":" in host:
        try:
            address = ip_address(host)
        except ValueError as error:
            raise InvalidWebhookUrl("The address's host is not a name.") from error
        if not may_reach(address):
            raise InvalidWebhookUrl("That machine is not on the public network.")
    elif not NAME.fullmatch(host):
        raise InvalidWebhookUrl("The address's host is not a full name.")


def may_reach(address: Address, *, local: bool = False) -> bool:
    """
    Tell whether a machine may be connected to (S66); `local` also allows this very machine.

    An IPv4 address inside an IPv6 one is looked at as itself.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        address = address.ipv4_mapped or address
    if local and address.is_loopback:
        return True
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    if any(address in net for net in CLOSED):
        return False
    return address.is_global and not address.is_multicast
