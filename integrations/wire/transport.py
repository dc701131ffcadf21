"""How connections are made: to checked addresses only, with trusted certificates, never longer than the total time."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import certifi
import httpcore
import httpx

from integrations.wire.address import Policy, reach, refusal


@lru_cache(maxsize=4)
def _trust(ca_file: str) -> ssl.SSLContext:
    """Whom we believe: the public authorities and the operator's own. There is no way to believe everybody."""
    trust = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        trust.load_verify_locations(ca_file)
    return trust


class Clock:
    """When the exchange that is under way must be over (time.monotonic)."""

    deadline = 0.0

    def left(self, timeout: float | None) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("total time is up")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection that keeps the total time, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._clock.left(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.SyncBackend):
    """Connects to the very address that was checked; TLS still asks for the name."""

    def __init__(self, rules: Policy, clock: Clock) -> None:
        self.rules, self.clock = rules, clock

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in reach(host, port, self.rules)[:3]:
            try:
                return _Stream(super().connect_tcp(address, port, self.clock.left(timeout), local_address, socket_options), self.clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        raise refusal()


class Transport(httpx.HTTPTransport):
    def __init__(self, rules: Policy, clock: Clock) -> None:
        trust = _trust(rules.ca_file)
        super().__init__(verify=trust, trust_env=False)
        # httpx has no public door to httpcore's network backend; the test of a rebinding name turns red if this one moves.
        self._pool = httpcore.ConnectionPool(ssl_context=trust, network_backend=_Network(rules, clock), max_connections=10, keepalive_expiry=5.0)
