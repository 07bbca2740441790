"""Where a request comes from: the address of the caller, also behind proxies of our own."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from integrator.errors import ConfigError, Problem

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_ONE_HOUSE = 64  # bits of an IPv6 address: who has one has all that begin like it
_MAPPED = 96  # bits in front of an IPv4 address in an IPv6 one


def address_of(environ: Mapping[str, Any], *, proxies: tuple[Network, ...]) -> Address | None:
    """Who calls. None: it cannot be told (a local socket, or a header that is no address).

    Each of our proxies adds whom it got the request from at the right end of X-Forwarded-For. Whoever is none of them
    is the caller, whatever they wrote there.
    """
    found = peer_of(environ)
    hops = [part for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    while hops and is_in(found, proxies):
        found = _read(hops.pop())
    return found


def peer_of(environ: Mapping[str, Any]) -> Address | None:
    """Who is at the other end of the connection."""
    return _read(environ.get("REMOTE_ADDR", ""))


def is_in(address: Address | None, found: tuple[Network, ...]) -> bool:
    return address is not None and any(address in network for network in found)


def _read(text: str) -> Address | None:
    """Shape   "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711" """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def house_of(address: Address | None) -> str:
    """What is counted as one caller."""
    if address is None:
        return "unknown"
    return str(ip_network(f"{address}/{_ONE_HOUSE}", strict=False) if isinstance(address, IPv6Address) else address)


def networks(texts: Iterable[str], *, key: str) -> tuple[Network, ...]:
    """The addresses and networks of a setting. Errors  ConfigError: one is no address and no network"""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(_unmapped(ip_network(text, strict=False)))
        except ValueError:
            what = f"[gateway] {key}: expected addresses or networks such as 192.0.2.0/24, got {text!r}"
            raise ConfigError([Problem("config/integrator.toml", what)]) from None
    return tuple(found)


def _unmapped(network: Network) -> Network:
    """IPv4 that is written as IPv6 is IPv4, as it is in an address that is read."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED))
