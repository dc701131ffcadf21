"""What is asked about events: one by one through the SDK, several in one request, each with its own answer ("Combine multiple requests: $batch")."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from integrations.contract import ProviderError
from integrations.outlook.bridge import Where
from integrations.outlook.errors import content, unreadable
from integrations.wire.http import Answer

PART = 20  # requests in a $batch
REPEATS = 3  # of the parts of a $batch that Graph was too busy for
UTC_TIMES = 'IdType="ImmutableId", outlook.timezone="UTC"'
TEXT, HTML = (f'{UTC_TIMES}, outlook.body-content-type="{kind}"' for kind in ("text", "html"))
# Sends one request: method, place, and by name query, prefer, headers, body.
Send = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Question:
    """A request about the events of a calendar, or about the one with the id. `etag`: carried out only if the event still has it ("": anyway)."""

    method: str
    calendar: str
    remote_id: str = ""
    etag: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    prefer: str = TEXT
    body: Any = None

    @property
    def condition(self) -> dict[str, str]:
        return {"If-Match": self.etag} if self.etag else {}

    def part(self, number: int) -> dict[str, Any]:
        """As part of a $batch."""
        place = f"/me/calendars/{quote(self.calendar, safe='')}/events" + (f"/{quote(self.remote_id, safe='')}" if self.remote_id else "")
        headers = {"Prefer": self.prefer, **self.condition} | ({} if self.body is None else {"Content-Type": "application/json"})
        found = {
            "id": str(number),
            "method": self.method,
            "url": place + (f"?{urlencode(self.query, quote_via=quote)}" if self.query else ""),
            "headers": headers,
        }
        return found if self.body is None else found | {"body": self.body}


Result = TypeVar("Result")
Asking = Generator[Question, Answer, Result]


def each(send: Send, questions: Sequence[Question]) -> list[Answer | Exception]:
    """The answers, each one or its error; up to PART in one request. After a request that failed no further one is sent: its error stands for
    all that is left."""
    answers: list[Answer | Exception] = []
    try:
        if len(questions) == 1:
            return [_ask(send, questions[0])]
        for begin in range(0, len(questions), PART):
            answers += _together(send, questions[begin : begin + PART])
    except ProviderError as error:
        return answers + [error] * (len(questions) - len(answers))
    return answers


def _ask(send: Send, one: Question) -> Answer:
    where = event(one.calendar, one.remote_id) if one.remote_id else inside(one.calendar, lambda place: place.events)
    return send(one.method, where, query=one.query, prefer=one.prefer, headers=one.condition, body=one.body)


def _together(send: Send, questions: Sequence[Question]) -> list[Answer | Exception]:
    """One $batch, which the SDK's own can't do for another root. Parts that Graph was too busy for, and that need not wait, are asked again."""
    found: dict[int, Answer | Exception] = {}
    wanted = dict(enumerate(questions))
    for _attempt in range(REPEATS):
        try:
            answers = _parts(content(send("POST", "/$batch", body={"requests": [one.part(number) for number, one in wanted.items()]})))
        except ProviderError:
            if not found:
                raise
            break  # what was answered before counts; the rest was too busy
        found |= {number: answers.get(number, unreadable()) for number in wanted}
        again = {number for number, one in answers.items() if one.status in (429, 503) and one.headers.get("retry-after", "0") == "0"}
        wanted = {number: one for number, one in wanted.items() if number in again}
        if not wanted:
            break
    return [found[number] for number in range(len(questions))]


def inside(calendar: str, where: Callable[[Any], Any] = lambda place: place) -> Where:
    """The SDK's request builder for something in a calendar."""
    return lambda graph: where(graph.me.calendars.by_calendar_id(calendar))


def event(calendar: str, remote_id: str) -> Where:
    return inside(calendar, lambda place: place.events.by_event_id(remote_id))


def _parts(found: dict[str, Any]) -> dict[int, Answer]:
    """The answers of a $batch by the number of their request, in whatever order they came."""
    try:
        return {
            int(one["id"]): Answer(
                int(one["status"]), {name.lower(): str(value) for name, value in (one.get("headers") or {}).items()}, json.dumps(one.get("body")).encode(), ""
            )
            for one in found["responses"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error
