"""Which hosts and addresses may be spoken to. Every way out goes through `reach`, at the moment of connecting."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings

from integrations.contract import NeedsPerson, Retry

HTTPS_PORTS = frozenset({443, 2080, 5232, 8008, 8443})  # where calendar servers listen; any other port is named by the operator
# Not to be reached whatever the standard library's `is_global` says about them today.
_CLOSED = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        *("::/96", "::ffff:0:0:0/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8"),
    )
)
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))

Resolver = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


@dataclass(frozen=True, slots=True)
class Policy:
    """What the one outbound policy allows. Seconds, bytes. `private`: exact "host" or "host:port" the operator allows in spite of all."""

    private: frozenset[str] = frozenset()
    ca_file: str = ""
    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    size: int = 32 * 1024 * 1024
    ratio: int = 200
    hops: int = 5
    resolver: Resolver = resolve

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator has named this host, or this host with this port."""
        name = host.lower().strip("[]").rstrip(".")
        return name in self.private or f"{name}:{port}" in self.private or f"[{name}]:{port}" in self.private


def policy() -> Policy:
    """The policy of this installation."""
    return Policy(private=frozenset(name.lower() for name in settings.KALENDS_PRIVATE_HOSTS), ca_file=settings.KALENDS_CA_FILE)


def forbidden(text: str) -> bool:
    """Whether an address is not on the public internet, also where it wears another form: IPv4-mapped, NAT64, 6to4, Teredo."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return True
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        inner += [IPv4Address(int(address) & 0xFFFFFFFF) for net in _NAT64 if address in net]
        if any(one is not None and forbidden(str(one)) for one in inner):
            return True
        if address.ipv4_mapped is not None:
            return False
        if any(address in net for net in _NAT64):
            return False
    return not address.is_global or address.is_multicast or any(address in net for net in _CLOSED if net.version == address.version)


def reach(host: str, port: int, rules: Policy) -> list[str]:
    """The checked addresses of a host, to be connected to as they are: a second look-up could answer otherwise (DNS rebinding).

    Raises NeedsPerson for a host inside our own network, Retry for a name that can't be resolved.
    """
    try:
        addresses = rules.resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise Retry("The server can't be reached.") from error
    if not addresses:
        raise Retry("The server can't be reached.")
    if not rules.allows(host, port) and any(forbidden(address) for address in addresses):
        raise refusal()
    return addresses


def refusal() -> NeedsPerson:
    """One text for every address that is not allowed, so that nobody can map our network by it."""
    return NeedsPerson(
        "This address can't be used.",
        "Use an https:// address on the public internet. An operator can allow a host of the own network in KALENDS_PRIVATE_HOSTS.",
        code="address",
    )
