"""Addresses as they are written: HOST:PORT."""

from ipaddress import ip_address


def host_and_port(text: str) -> tuple[str, int]:
    """Both parts of `HOST:PORT`; IPv6 hosts stand in brackets there and without them here."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only programs of the same machine reach this host; of names only `localhost` counts."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
