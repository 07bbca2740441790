"""Where a request comes from: the address of the caller, also behind proxies of our own."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from integrator.errors import ConfigError, Problem

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_ONE_HOUSE = 64  # bits of an IPv6 address: who has one has all that begin like it


def address_of(environ: Mapping[str, Any], *, trusted_proxies: int) -> Address | None:
    """Who calls. None: it cannot be told (a local socket, or a header that is no address).

    Each of our proxies adds whom it got the request from at the right end of X-Forwarded-For. What stands further left
    was written by anybody; where fewer stand than we have proxies, the request did not come through them.
    """
    peer = _read(environ.get("REMOTE_ADDR", ""))
    if not trusted_proxies:
        return peer
    passed = [part for part in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return _read(passed[-trusted_proxies]) if len(passed) >= trusted_proxies else peer


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


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Errors  ConfigError: one is no address and no network"""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            what = f"[gateway] trainingportal_ips: expected addresses or networks such as 192.0.2.0/24, got {text!r}"
            raise ConfigError([Problem("config/integrator.toml", what)]) from None
    return tuple(found)
