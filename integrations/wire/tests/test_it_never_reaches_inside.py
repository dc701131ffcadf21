"""The one way out reaches the public internet and what the operator allows, nothing else (OWASP ASVS 5.0, 1.3.6)."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.contract import NeedsPerson, Retry
from integrations.wire import xml
from integrations.wire.address import Policy, forbidden, reach
from integrations.wire.http import Answer, Client, check, problem, retry_after

pytestmark = pytest.mark.once

INSIDE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "169.254.169.254", "169.254.0.1",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "192.0.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::",
    "2001:0:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
)  # fmt: skip
LITERALS = (
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "017700000001",
    "[::1]",
    "[::ffff:7f00:1]",
    "localhost",
    "[fe80::1]",
    "0",
)
OUTSIDE = ("8.8.8.8", "1.1.1.1", "193.99.144.80", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_forbidden_in_every_form(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_allowed(address: str) -> None:
    assert not forbidden(address)


@pytest.mark.parametrize("host", LITERALS)
def test_a_literal_that_the_system_reads_as_inside_is_refused(host: str) -> None:
    with Client(Policy()) as client, pytest.raises((NeedsPerson, Retry)) as caught:
        client.request("GET", f"https://{host}/")
    assert not isinstance(caught.value, Retry) or host in ("017700000001", "[fe80::1]", "0")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "https://user:pw@example.com/", "https://example.com:22/", "https://example.com:6379/",
     "https:///x", "https://exa mple.com/", "https://example.com\\@127.0.0.1/", "https://example.com/\r\nX: y", "//example.com/", "", "https://[::1/"],
)  # fmt: skip
def test_an_address_of_the_wrong_kind_is_refused_before_any_look_up(url: str) -> None:
    with pytest.raises(NeedsPerson) as caught:
        check(url, Policy())
    assert caught.value.code == "address"


@pytest.mark.parametrize(
    ("allowed", "port", "fine"),
    [("box.lan", 80, True), ("box.lan:8080", 8080, True), ("box.lan:8080", 80, False), ("ox.lan", 80, False), ("BOX.LAN".lower(), 1, True)],
)
def test_the_operator_allows_exact_hosts_and_ports(allowed: str, port: int, fine: bool) -> None:
    rules = Policy(private=frozenset({allowed}), resolver=lambda host, port: ["192.168.1.5"])
    assert rules.allows("box.lan", port) is fine
    if fine:
        assert reach("box.lan", port, rules) == ["192.168.1.5"]
    else:
        with pytest.raises(NeedsPerson):
            reach("box.lan", port, rules)


def test_one_forbidden_address_among_good_ones_is_enough() -> None:
    with pytest.raises(NeedsPerson):
        reach("mixed.example", 443, Policy(resolver=lambda host, port: ["8.8.8.8", "10.0.0.1"]))


def test_a_connection_goes_to_the_very_address_that_was_checked() -> None:
    """No system look-up knows this name: with a second one the call would fail."""
    with serving(lambda door: door.reply(200, b"pinned")) as (port, hits):
        rules = Policy(private=frozenset({f"pinned.invalid:{port}"}), resolver=lambda host, port: ["127.0.0.1"])
        with Client(rules) as client:
            assert client.request("GET", f"http://pinned.invalid:{port}/").body == b"pinned"
        assert hits[0]["Host"] == f"pinned.invalid:{port}"


def test_a_name_that_moves_inside_is_refused_at_the_next_connection() -> None:
    answers = iter([["192.0.2.1"], ["127.0.0.1"]])
    with serving(lambda door: door.reply(200, b"inside")) as (port, hits):
        rules = Policy(resolver=lambda host, port: next(answers), connect=0.2, total=0.5)
        with Client(rules) as client:
            for _ in range(2):
                with pytest.raises(NeedsPerson):
                    client.request("GET", "https://rebind.example:8443/")
        assert hits == []
        assert port


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(act: Callable[[Door], None], context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[dict[str, str]]]]:
    hits: list[dict[str, str]] = []

    class Here(Door):
        def do_GET(self) -> None:
            hits.append(dict(self.headers))
            act(self)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Here)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], hits
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def allowed(*ports: int, **limits: float) -> Policy:
    return Policy(private=frozenset(f"127.0.0.1:{port}" for port in ports), **limits)  # type: ignore[arg-type]


def test_a_redirect_into_our_network_is_refused() -> None:
    with (
        serving(lambda door: door.reply(200, b"secret")) as (inner, hits),
        serving(lambda door: door.reply(302, Location=f"http://127.0.0.1:{inner}/")) as (outer, _),
    ):
        with Client(allowed(outer)) as client, pytest.raises(NeedsPerson) as caught:
            client.request("GET", f"http://127.0.0.1:{outer}/")
        assert caught.value.code == "address"
        assert hits == []


def test_a_password_is_never_sent_on_to_another_host() -> None:
    with serving(lambda door: door.reply(200)) as (other, hits), serving(lambda door: door.reply(307, Location=f"http://localhost:{other}/")) as (first, _):
        rules = Policy(private=frozenset({"127.0.0.1", "localhost"}))
        with Client(rules) as client, pytest.raises(NeedsPerson):
            client.request("GET", f"http://127.0.0.1:{first}/", auth="Basic c2VjcmV0")
        assert hits == []


def test_a_redirect_on_the_same_host_keeps_the_password() -> None:
    def act(door: Door) -> None:
        door.reply(200, b"there") if door.path == "/there" else door.reply(301, Location="/there")

    with serving(act) as (port, hits), Client(allowed(port)) as client:
        assert client.request("GET", f"http://127.0.0.1:{port}/", auth="Basic x").body == b"there"
        assert [hit["Authorization"] for hit in hits] == ["Basic x", "Basic x"]


def test_a_ring_of_redirects_ends() -> None:
    with serving(lambda door: door.reply(302, Location="/")) as (port, hits), Client(allowed(port)) as client:
        with pytest.raises(NeedsPerson):
            client.request("GET", f"http://127.0.0.1:{port}/")
        assert len(hits) <= 6


def test_too_large_an_answer_is_refused() -> None:
    with serving(lambda door: door.reply(200, b"x" * 200_000)) as (port, _), Client(allowed(port, size=100_000)) as client, pytest.raises(NeedsPerson):
        client.request("GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("megabytes", [8, 60])
def test_a_packed_bomb_is_refused(megabytes: int) -> None:
    bomb = gzip.compress(b"\0" * megabytes * 1024 * 1024)
    with serving(lambda door: door.reply(200, bomb, Content_Encoding="gzip")) as (port, _), Client(allowed(port)) as client, pytest.raises(NeedsPerson):
        client.request("GET", f"http://127.0.0.1:{port}/")


def test_a_packed_answer_is_unpacked() -> None:
    with serving(lambda door: door.reply(200, gzip.compress(b"hello"), Content_Encoding="gzip")) as (port, _), Client(allowed(port)) as client:
        assert client.request("GET", f"http://127.0.0.1:{port}/").body == b"hello"


def test_half_a_packed_answer_is_no_answer() -> None:
    with (
        serving(lambda door: door.reply(200, gzip.compress(b"hello" * 999)[:20], Content_Encoding="gzip")) as (port, _),
        Client(allowed(port)) as client,
        pytest.raises(Retry),
    ):
        client.request("GET", f"http://127.0.0.1:{port}/")


def test_a_drip_is_cut_off_in_time() -> None:
    def drip(door: Door) -> None:
        door.send_response(200)
        door.send_header("Content-Length", "1000000")
        door.end_headers()
        try:
            for _ in range(100):
                door.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            return

    with serving(drip) as (port, _), Client(allowed(port, total=0.5, read=0.4)) as client:
        begin = time.monotonic()
        with pytest.raises(Retry):
            client.request("GET", f"http://127.0.0.1:{port}/")
        assert time.monotonic() - begin < 3


def test_a_drip_of_headers_is_cut_off_in_time() -> None:
    def drip(door: Door) -> None:
        try:
            for number in range(100):
                door.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: "[number : number + 1] or b"x")
                time.sleep(0.1)
        except OSError:
            return

    with serving(drip) as (port, _), Client(allowed(port, total=0.5, read=0.4)) as client:
        begin = time.monotonic()
        with pytest.raises(Retry):
            client.request("GET", f"http://127.0.0.1:{port}/")
        assert time.monotonic() - begin < 3


def test_a_silent_server_is_given_up() -> None:
    with serving(lambda door: time.sleep(2)) as (port, _), Client(allowed(port, read=0.3, total=1)) as client, pytest.raises(Retry):
        client.request("GET", f"http://127.0.0.1:{port}/")


def test_a_closed_port_and_a_name_that_is_none_say_the_same() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    texts = set()
    for rules, host in ((allowed(port), "127.0.0.1"), (Policy(private=frozenset({"nothing.invalid"})), "nothing.invalid")):
        with Client(rules) as client, pytest.raises(Retry) as caught:
            client.request("GET", f"http://{host}:{port}/")
        texts.add(str(caught.value))
    assert len(texts) == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, secret


def test_an_unknown_certificate_is_refused_unless_the_operator_trusts_its_authority(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with serving(lambda door: door.reply(200, b"fine"), context) as (port, hits):
        with Client(allowed(port)) as client, pytest.raises(NeedsPerson) as caught:
            client.request("GET", f"https://127.0.0.1:{port}/")
        assert caught.value.code == "address"
        assert hits == []
        with Client(allowed(port, ca_file=str(cert))) as client:  # type: ignore[arg-type]
            assert client.request("GET", f"https://127.0.0.1:{port}/").body == b"fine"


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/evil.dtd"><a/>',
        b"<!doctype html><p>Back soon<br>",
        b"<a><b></a>",
        b"<a>half",
        b"",
    ],
)
def test_xml_with_entities_or_none_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(Retry):
        xml.read(body)


NOW = dt.datetime(2031, 3, 3, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 120 ", 120.0), ("Mon, 03 Mar 2031 12:00:30 GMT", 30.0), ("Mon, 03 Mar 2031 11:00:00 GMT", 0.0), ("", None), ("soon", None), ("-5", None), ("99999999999", 3600.0), ("Mon, 03 Mar 2099 12:00:00 GMT", 3600.0), ("9" * 400, 3600.0)],
)  # fmt: skip
def test_retry_after_is_read_in_every_form(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "code"), [(401, "auth"), (403, "permission"), (404, "gone"), (410, "gone"), (400, "rejected"), (413, "rejected"), (422, "rejected")]
)
def test_a_status_that_needs_a_person_says_which(status: int, code: str) -> None:
    error = problem(Answer(status, {}, b"inner secret words", ""))
    assert isinstance(error, NeedsPerson)
    assert error.code == code
    assert "inner" not in f"{error} {error.hint}"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 423])
def test_a_status_that_passes_is_tried_again(status: int) -> None:
    error = problem(Answer(status, {"retry-after": "9"}, b"inner secret words", ""))
    assert isinstance(error, Retry)
    assert error.after == 9
    assert "inner" not in str(error)
