"""Who asks: the peer, or whom a trusted proxy names; and who may see how the server does."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from feeds.config import Config
from feeds.web.requests import client_address, is_operator

PROXIES = Config(trusted_proxies=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
PEER, PROXY, CLIENT = "203.0.113.9", "192.0.2.1", "198.51.100.7"


def asked(peer: str, **headers: str) -> dict[str, str]:
    """Return what WSGI says of a request from a peer, with headers such as `x_forwarded_for`."""
    return {"REMOTE_ADDR": peer} | {f"HTTP_{name.upper()}": value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"{PEER}, {CLIENT}", CLIENT),  # what stands to the left, the client said itself
        (PROXY, f"127.0.0.1,{CLIENT}, 192.0.2.77", CLIENT),
        (PROXY, f"{CLIENT}, 2001:db8::7", CLIENT),
        ("2001:db8::1", CLIENT, CLIENT),
        (f"::ffff:{PROXY}", CLIENT, CLIENT),
        (PROXY, "192.0.2.5, 192.0.2.6", "192.0.2.5"),  # a proxy that asks for itself
        (PROXY, f"{CLIENT}:50000", CLIENT),
        (PROXY, "[2001:db9::1]:443", "2001:db9::1"),
        (PROXY, "[2001:db9::1]", "2001:db9::1"),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
    ],
)
def test_client_is_the_last_hop_that_is_no_trusted_proxy(peer: str, forwarded_for: str, client: str) -> None:
    assert client_address(asked(peer, x_forwarded_for=forwarded_for), PROXIES) == ip_address(client)


@pytest.mark.parametrize("forwarded_for", ["", " , ", "unknown", f"{CLIENT}, unknown", f"{CLIENT},", "1.2.3.4.5", "_hidden", "1" * 60_000])
def test_client_is_unknown_where_the_proxy_does_not_say_it(forwarded_for: str) -> None:
    assert client_address(asked(PROXY, x_forwarded_for=forwarded_for), PROXIES) is None


@pytest.mark.parametrize("header", ["x_forwarded_for", "x_forwarded_proto", "x_forwarded_host", "x_forwarded_port", "forwarded"])
def test_client_of_an_unknown_proxy_is_unknown(header: str) -> None:
    assert client_address(asked(PEER, **{header: PROXY}), PROXIES) is None
    assert client_address(asked(PROXY, **{header: PROXY}), Config()) is None


def test_nothing_but_x_forwarded_for_names_the_client() -> None:
    assert client_address(asked(PROXY, forwarded=f"for={CLIENT}", x_real_ip=CLIENT), PROXIES) is None


@pytest.mark.parametrize(("peer", "client"), [(PEER, PEER), (PROXY, PROXY), ("::ffff:127.0.0.1", "127.0.0.1"), ("::1", "::1")])
def test_client_is_the_peer_where_nothing_is_forwarded(peer: str, client: str) -> None:
    assert client_address(asked(peer), PROXIES) == ip_address(client)


def test_client_on_a_unix_socket_is_unknown() -> None:
    assert client_address(asked(""), PROXIES) is None
    assert client_address({}, PROXIES) is None


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_operators_are_on_this_machine_by_default(peer: str) -> None:
    assert is_operator(asked(peer), Config())


@pytest.mark.parametrize("peer", [PEER, "10.0.0.1", "::2", "", "localhost"])
def test_others_are_no_operators_by_default(peer: str) -> None:
    assert not is_operator(asked(peer), Config())


def test_operators_are_in_the_networks_that_are_set() -> None:
    config = Config(operator_networks=(ip_network("10.0.0.0/8"),), trusted_proxies=PROXIES.trusted_proxies)
    assert is_operator(asked("10.1.2.3"), config)
    assert is_operator(asked(PROXY, x_forwarded_for="10.1.2.3"), config)
    assert not is_operator(asked(PROXY, x_forwarded_for=f"10.1.2.3, {CLIENT}"), config)
    assert not is_operator(asked("127.0.0.1"), config)


def test_forwarded_request_is_never_local() -> None:
    here = Config(trusted_proxies=(ip_network("127.0.0.1"),))
    for config in (Config(), here):
        assert not is_operator(asked("127.0.0.1", x_forwarded_for="127.0.0.1"), config)
        assert not is_operator(asked("127.0.0.1", forwarded="for=127.0.0.1"), config)


def test_nobody_is_an_operator_where_no_network_is() -> None:
    assert not is_operator(asked("127.0.0.1"), Config(operator_networks=()))
