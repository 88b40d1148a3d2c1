"""Where a request comes from, and what counts as one address."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Return the client's address, or nothing; the edge has looked behind the configured proxies (S45)."""
    address = request.META.get("REMOTE_ADDR") or ""
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that a provider gives to one customer."""
    if not address or not isinstance(ip_address(address), IPv6Address):
        return address
    return str(IPv6Network((address, 64), strict=False))
