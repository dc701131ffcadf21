"""Speaks to Google by google-api-python-client, which is imported on first use; its requests go the house's one way out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings

from integrations.contract import Changed, Credentials, CursorExpired, NeedsPerson, ProviderError, Retry
from integrations.wire import http

Row = dict[str, Any]
BATCH = 50  # requests in one envelope; Google takes more, its quota counts each of them
# "Handle API errors": a limit, not a missing right, though the status is 403.
LIMITS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded", "RATE_LIMIT_EXCEEDED"}
SCOPES = {"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}
DISABLED = {"accessNotConfigured", "SERVICE_DISABLED"}


def root(setting: str) -> str:
    return str(getattr(settings, setting)).rstrip("/")


class Transport:
    """What the SDK takes for httplib2.Http. It caches nothing, signs each request with a fresh token, and repeats only what was refused for its token."""

    def __init__(self, client: http.Client, credentials: Credentials) -> None:
        self.client, self._credentials, self._rejected = client, credentials, ""

    def request(
        self, uri: str, method: str = "GET", body: str | bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> tuple[Any, bytes]:
        from httplib2 import Response

        # Length and encodings are the transport's own business.
        sent = {name: value for name, value in (headers or {}).items() if name.lower() not in ("content-length", "accept-encoding")}
        content = body.encode() if isinstance(body, str) else body or b""
        for _attempt in range(2):
            token = self._credentials.access_token(self._rejected)
            answer = self.client.request(method, uri, headers=sent, content=content, auth=f"Bearer {token}")
            # Parts of an envelope are refused each by itself; those the SDK sends again once. (No JSON holds a line break.)
            refused = answer.status == 401 or b"\nHTTP/1.1 401" in answer.body
            self._rejected = token if refused else ""
            if answer.status != 401:
                break
        return Response(dict(answer.headers) | {"status": str(answer.status)}), answer.body

    def close(self) -> None:
        self.client.close()


@lru_cache(maxsize=2)
def _description(address: str) -> dict[str, Any]:
    """The official description that comes with the SDK; batches go to its root, not to an api_endpoint, so that is what is changed."""
    from googleapiclient.discovery_cache import get_static_doc

    found: dict[str, Any] = json.loads(get_static_doc("calendar", "v3"))
    return found | {"rootUrl": f"{address}/", "baseUrl": f"{address}/{found['servicePath']}"}


@dataclass(frozen=True, slots=True)
class Question:
    """A request of the SDK, carried out if the event still has the `etag` ("": anyway). `none_on`: statuses that are an answer of None."""

    request: Any
    etag: str = ""
    none_on: Collection[int] = ()


class Google:
    """One account for one task. `resource` is the SDK's: requests are made there and carried out here."""

    def __init__(self, credentials: Credentials) -> None:
        self.address = root("GOOGLE_API_ROOT")
        self.transport = Transport(http.client_to(self.address), credentials)

    @cached_property
    def resource(self) -> Any:
        from googleapiclient.discovery import build_from_document

        return build_from_document(_description(self.address), http=self.transport)

    def call(self, request: Any, *, etag: str = "", none_on: Collection[int] = ()) -> Row | None:
        """The answer; None for these statuses and for an empty answer. Raises one of the four errors. The SDK's own repetition is off."""
        from googleapiclient.errors import Error

        if etag:
            request.headers["If-Match"] = etag
        try:
            return whole(request.execute(num_retries=0))
        except Error as error:
            if getattr(error, "status_code", 0) in none_on:
                return None
            raise problem(error) from error

    def ask(self, request: Any) -> Row:
        return self.call(request) or {}

    def each(self, questions: Sequence[Question]) -> list[Row | Exception | None]:
        """The answers, each one or its error, in envelopes of at most 50; one question goes alone. After an envelope that failed as a whole no further
        one is sent: its error stands for all that is left."""
        answers: list[Row | Exception | None] = []
        try:
            if len(questions) == 1:
                return [self.call(questions[0].request, etag=questions[0].etag, none_on=questions[0].none_on)]
            for begin in range(0, len(questions), BATCH):
                answers += self._envelope(questions[begin : begin + BATCH])
        except ProviderError as error:
            return answers + [error] * (len(questions) - len(answers))
        return answers

    def _envelope(self, questions: Sequence[Question]) -> list[Row | Exception | None]:
        from googleapiclient.errors import Error

        found: dict[int, Row | Exception | None] = {}

        def take(name: str, answer: Any, error: Error | None) -> None:
            number = int(name)
            if error is not None:
                found[number] = None if getattr(error, "status_code", 0) in questions[number].none_on else problem(error)
                return
            try:
                found[number] = whole(answer)
            except Retry as unreadable:
                found[number] = unreadable

        envelope = self.resource.new_batch_http_request(callback=take)
        for number, one in enumerate(questions):
            if one.etag:
                one.request.headers["If-Match"] = one.etag
            envelope.add(one.request, request_id=str(number))  # short: a longer header would be folded
        try:
            envelope.execute()
        except Error as error:
            raise problem(error) from error
        except (KeyError, ValueError, IndexError, AttributeError) as error:  # the SDK trusts the envelope it gets
            raise Retry("The server's answer can't be read.") from error
        return [found[number] for number in range(len(questions))]

    def many(self, requests: Mapping[str, Any], *, none_on: Collection[int] = ()) -> dict[str, Row | None]:
        """All the answers by name. The first that failed is raised."""
        answers = self.each([Question(request, none_on=none_on) for request in requests.values()])
        found: dict[str, Row | None] = {}
        for name, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Exception):
                raise answer
            found[name] = answer
        return found


def whole(answer: Any) -> Row | None:
    """A page for people or half an answer comes out of the SDK as text, without an error."""
    if answer is None or answer == "":
        return None
    if not isinstance(answer, dict):
        raise Retry("The server's answer can't be read.")
    return answer


def problem(error: Exception, *, now: datetime | None = None) -> ProviderError:
    """What an error of the SDK means for us. Never holds anything the other side wrote."""
    content, response = getattr(error, "content", b""), getattr(error, "resp", None)
    status = int(getattr(response, "status", 0) or 0)
    if not status:
        return Retry("The server's answer can't be read.")
    reasons, place = _reasons(content)
    wait = http.retry_after(str(response.get("retry-after", "")), now or datetime.now(UTC)) if response is not None else None
    if status == 401:
        return NeedsPerson("Google does not accept our access any more.", "Connect the account again.", code="auth")
    if status == 429 or reasons & LIMITS:
        return Retry("The server allows no more calls for the time being.", wait, whole=True)
    if status >= 500:
        return Retry("The server is busy or out of order.", wait, whole=status == 503)
    if status == 403 and reasons & DISABLED:
        return NeedsPerson("The Google Calendar API is switched off.", "The operator switches it on in the Google Cloud console.", code="permission")
    if status == 403 and reasons & SCOPES:
        return NeedsPerson("We may not use the calendars of this account.", "Connect it again and tick every box that Google shows.", code="permission")
    if status == 400 and place.lower() == "pagetoken":
        return Retry("The listing was interrupted.")
    if status == 412:
        return Changed("The event has changed meanwhile.")
    if (status == 410 and "deleted" not in reasons) or (status == 400 and place.lower().replace(" ", "") == "synctoken"):
        return CursorExpired("The cursor is no longer known.")
    return http.problem(http.Answer(status, {}, b"", ""))


def _reasons(content: bytes) -> tuple[set[str], str]:
    """The machine-readable reasons in an error answer, of the older and the newer form, and the parameter it blames."""
    try:
        told = json.loads(content)["error"]
        details = [one for one in [*told.get("errors", ()), *told.get("details", ())] if isinstance(one, dict)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return set(), ""
    return {str(one["reason"]) for one in details if "reason" in one}, next((str(one["location"]) for one in details if "location" in one), "")
