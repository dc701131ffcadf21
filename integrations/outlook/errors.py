"""What an answer of Graph means for us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from integrations.contract import Changed, CursorExpired, NeedsPerson, ProviderError, Retry
from integrations.wire import http
from integrations.wire.http import Answer, retry_after

NO_MAILBOX = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "RESTAPINotEnabledForComponentSharedMailbox"})
EXPIRED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired", "errorinvalidsyncstatedata"})
CONFLICT = frozenset({"ErrorIrresolvableConflict", "ErrorStaleObject"})
# Said with other status numbers too; all of them pass by themselves.
PASSING = frozenset({"ErrorServerBusy", "ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable", "ErrorConcurrentItemModification"})


def code(answer: Answer) -> str:
    """Graph's name for an error, e.g. "ErrorItemNotFound"; "" for a good answer and for one that is not Graph's."""
    if answer.status < 400:
        return ""
    try:
        found = json.loads(answer.body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def missing(answer: Answer) -> bool:
    """Whether it says that what was asked for is not there, which is no proof yet that the calendar is."""
    return answer.status in (404, 410) and code(answer) not in NO_MAILBOX and code(answer).lower() not in EXPIRED


def content(answer: Answer) -> dict[str, Any]:
    """The object in a good answer; every other answer raises one of the four errors."""
    if not 200 <= answer.status < 300:
        raise problem(answer)
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise unreadable() from error
    if not isinstance(found, dict):
        raise unreadable()
    return found


def unreadable() -> Retry:
    return Retry(_("The server's answer can't be read."))


def problem(answer: Answer, *, now: datetime | None = None) -> ProviderError:
    """The one place where Graph's errors become ours. The texts hold nothing the other side wrote."""
    name = code(answer)
    if name in NO_MAILBOX:
        return NeedsPerson(
            "This account has no mailbox that programs may reach.", "It needs Exchange Online or outlook.com. Ask its administrator.", code="gone"
        )
    if name.lower() in EXPIRED:
        return CursorExpired()
    if answer.status == 412 or name in CONFLICT:
        return Changed(_("The event has changed meanwhile."))
    if name == "ApplicationThrottled" or answer.status == 429:
        return http.problem(Answer(429, answer.headers, b"", ""), now=now)
    if name in PASSING:
        return Retry(
            _("The server is busy or out of order."), retry_after(answer.headers.get("retry-after", ""), now or datetime.now(UTC)), whole=answer.status == 503
        )
    if answer.status == 401:
        return NeedsPerson(_("Microsoft does not accept our access to this account any more."), _("Connect the account again."), code="auth")
    if answer.status == 403:
        return NeedsPerson(
            _("Microsoft does not allow this."), _("Check what was agreed to when connecting, and the rights on the calendar."), code="permission"
        )
    return http.problem(answer, now=now)
