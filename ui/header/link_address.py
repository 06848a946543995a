"""The address in a link: one that other computers can open."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit, urlunsplit

# Addresses of private networks, and one of documentation for the route to all others. Nothing is sent to them.
TOWARD = ("192.168.254.254", "10.254.254.254", "172.30.254.254", "192.0.2.1")


def is_loopback(host: str) -> bool:
    """Whether only this computer can open the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def own_addresses() -> list[str]:
    """The IPv4 addresses of this computer in its networks.

    A datagram socket learns its own address from the routing table when it is given a target.
    """
    found = []
    for target in TOWARD:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            try:
                way.connect((target, 9))
                found.append(way.getsockname()[0])
            except OSError:
                continue  # no network in that direction
    return [each for each in dict.fromkeys(found) if not is_loopback(each) and each != "0.0.0.0"]


def others(page: str, bound: str) -> list[str]:
    """The addresses of a page that other computers may open instead of one at a loopback address.

    bound: the address that the server listens at; empty for all.
    """
    parts = urlsplit(page)
    hosts = own_addresses() if bound in ("", "0.0.0.0", "::") else [bound]
    port = f":{parts.port}" if parts.port else ""
    return [urlunsplit(parts._replace(netloc=f"{host}{port}")) for host in hosts if not is_loopback(host)]
