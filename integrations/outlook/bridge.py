"""The one synchronous door to msgraph-sdk: a fresh client per call, our own way out under it, its repeats and redirects off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from integrations.wire.http import Answer, Client, origin, stay

# What belongs to one leg of the way and is set anew for the next.
_HOP = frozenset({"host", "content-length", "authorization", "accept-encoding", "connection", "content-encoding", "transfer-encoding"})

# From a GraphServiceClient to a request builder of the SDK; or an absolute address that Graph gave us (@odata.nextLink); or a path such as "/$batch".
Where = Callable[[Any], Any] | str


class _Wire(httpx.AsyncBaseTransport):
    """What the SDK sends goes through our client, which keeps time-outs, sizes, addresses and certificates. It blocks: each loop runs one call."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        auth = request.headers.get("authorization", "")
        answer = self.client.request(request.method, str(request.url), headers=headers, content=await request.aread(), auth=auth)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return httpx.Response(answer.status, headers=kept, content=answer.body, request=request)


class Bridge:
    """Speaks to Graph at `root` (scheme and host; the path /v1.0 is fixed) with a bearer token that is asked for before each call, and once more where it is refused."""

    def __init__(self, root: str, token: Callable[[str], str], client: Client) -> None:
        self.root = root.rstrip("/")
        self.token, self.client = token, client

    def send(self, method: str, where: Where, *, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """One request, whatever status it ends in. Raises Retry or NeedsPerson when there is no whole answer or the address is not Graph's."""
        if isinstance(where, str) and not where.startswith("/"):
            stay(where, origin(self.root))  # the token goes to Graph only, whatever a link says
        rejected = ""
        for _attempt in range(2):
            token = self.token(rejected)  # outside the loop: it may ask the database
            answer = asyncio.run(self._send(token, method, where, query or {}, headers or {}, body))
            if answer.status != 401:
                break
            rejected = token
        return answer

    async def _send(self, token: str, method: str, where: Where, query: Mapping[str, Any], headers: Mapping[str, str], body: Any) -> Answer:
        from kiota_abstractions.method import Method
        from kiota_abstractions.native_response_handler import NativeResponseHandler
        from kiota_abstractions.request_information import RequestInformation
        from kiota_http.middleware.options import ResponseHandlerOption

        adapter = self._adapter(token)
        if isinstance(where, str):
            info = RequestInformation(Method(method))
            info.url = where if not where.startswith("/") else adapter.base_url + where
        else:
            from msgraph.graph_service_client import GraphServiceClient

            builder = where(GraphServiceClient(request_adapter=adapter))
            info = RequestInformation(Method(method), builder.url_template, builder.path_parameters)
            info.query_parameters = {name.replace("$", "%24"): value for name, value in query.items()}
        for name, value in {"Accept": "application/json", **headers}.items():
            info.headers.add(name, value)
        if body is not None:
            info.set_stream_content(json.dumps(body, ensure_ascii=False).encode(), "application/json")
        # The answer as it came: errors are told apart by us, and building the SDK's models would cost each worker a second and 30 MB.
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        answer = await adapter.send_primitive_async(info, "bytes", {})
        return Answer(answer.status_code, dict(answer.headers), answer.content, str(answer.request.url))

    def _adapter(self, token: str) -> Any:
        from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator, BaseBearerTokenAuthenticationProvider
        from kiota_http.middleware import ParametersNameDecodingHandler, UrlReplaceHandler
        from kiota_http.middleware.options import UrlReplaceHandlerOption
        from msgraph.graph_request_adapter import GraphRequestAdapter, options
        from msgraph_core import GraphClientFactory

        hosts = AllowedHostsValidator([origin(self.root)[1]])

        class Token(AccessTokenProvider):
            async def get_authorization_token(self, uri: str, additional_authentication_context: dict[str, Any] | None = None) -> str:
                return token if hosts.is_url_host_valid(uri) else ""

            def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
                return hosts

        # Neither the SDK's repeats (they would hold a worker and repeat a POST) nor its redirects: both are ours.
        middleware = [UrlReplaceHandler(options=options[UrlReplaceHandlerOption.get_key()]), ParametersNameDecodingHandler()]
        client = GraphClientFactory.create_with_custom_middleware(middleware, client=httpx.AsyncClient(transport=_Wire(self.client), trust_env=False))
        adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token()), client)
        adapter.base_url = f"{self.root}/v1.0"
        return adapter
