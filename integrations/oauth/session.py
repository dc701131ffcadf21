"""The house's way out for allauth, which speaks by requests."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import BaseAdapter

from integrations.contract import ProviderError
from integrations.wire.http import client_to


class _Out(BaseAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        url, body = str(request.url), request.body or b""
        if not isinstance(body, str | bytes):
            raise requests.exceptions.InvalidSchema("a stream can't be sent", request=request)
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in ("authorization", "accept-encoding", "content-length")}
        content = body.encode() if isinstance(body, str) else body
        auth = str(request.headers.get("Authorization", ""))
        try:
            with client_to(url, total=20.0, read=10.0, size=1024 * 1024) as out:
                found = out.request(request.method or "GET", url, headers=headers, content=content, auth=auth)
        except ProviderError as error:
            raise requests.ConnectionError(str(error), request=request) from error
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = found.status, found.url, request
        answer.headers.update(found.headers)
        answer._content = found.body
        return answer

    def close(self) -> None:
        """Each request has its own client."""


class Through(requests.Session):
    """A session that knows no other way: no proxies of the environment, no .netrc."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("https://", _Out())
        self.mount("http://", _Out())
