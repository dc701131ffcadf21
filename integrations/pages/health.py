"""What is wrong with an account or a linked calendar, in plain words with the next step. Decides from rows already read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.models import BusySource
from integrations.models import Account, Link, Subscription
from integrations.registry import providers
from integrations.told import told

SUSPICIOUS = 2  # readings in a row that found what nobody had told us of


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` is Bootstrap's: success, info, warning, danger."""

    level: str
    text: str
    hint: str = ""


def of_account(account: Account, links: Iterable[Link], now: datetime, zone: tzinfo, *, asks: bool = False) -> Finding:
    """One sentence for the whole account, the worst thing first. `asks`: a question waits for an answer on the page."""
    if account.provider not in providers():
        return Finding("danger", _("This kind of calendar is no longer installed."), _("Ask your admin, or disconnect the account."))
    if account.state == Account.State.CHECKING:
        return Finding("info", _("The connection is being tested."))
    if account.state == Account.State.DISCONNECTING:
        return Finding("info", _("It is being disconnected."), told(account.hint))
    if account.state == Account.State.NEEDS_PERSON:
        return Finding(
            "danger", told(account.problem) or _("The calendar can't be read or written."), told(account.hint) or _("Test the connection to see why.")
        )
    if account.problem:
        return Finding("warning", told(account.problem), _again(account, now, zone))
    chosen = [link for link in links if link.reads or link.writes]
    if not chosen:
        return Finding(
            "warning", _("Connected, but no calendar is used yet."), _("Choose which calendars are read and into which one appointments are written.")
        )
    if asks or any(of_link(link, now) for link in chosen):
        return Finding("warning", _("Connected. One of its calendars needs your attention."))
    return Finding("success", _("Everything works."))


def _again(account: Account, now: datetime, zone: tzinfo) -> str:
    """What happens next with an account in trouble."""
    if account.paused_until and account.paused_until > now:
        text = _("Nothing is lost: what is to be written there waits. It is tried again at %(time)s.")
        return text % {"time": date_format(timezone.localtime(account.paused_until, zone), "TIME_FORMAT")}
    return _("It is tried again by itself.") if account.paused_until else told(account.hint)


def of_link(link: Link, now: datetime) -> list[Finding]:
    """What a person should know of one calendar; empty when all is well. Parked questions and conflicts are shown on their own."""
    found = []
    if link.state == Link.State.LOST:
        hint = _("Check in your calendar program that it still exists and is shared with you, then test the connection or choose other calendars.")
        found.append(Finding("danger", told(link.problem) or _("The calendar can't be reached."), hint))
    if link.truncated:
        text = _("There are more events than the maximum. What is beyond it has not been read.")
        found.append(Finding("warning", text, _("From there on your times are handled as unsure. Raise the maximum number of events in the rules.")))
    source = link.source
    if link.reads and source is not None and link.state != Link.State.LOST:
        if source.state == BusySource.State.WAITING:
            found.append(Finding("info", _("Not read yet."), consequence(source)))
        elif source.state == BusySource.State.LOST or source.fetched_at is None or source.fetched_at + source.max_age < now:
            found.append(Finding("warning", _("Not read for too long."), consequence(source)))
    if link.quarantine:
        count = len(link.quarantine)
        text = ngettext("%(count)s event can't be read.", "%(count)s events can't be read.", count) % {"count": count}
        found.append(Finding("warning", text, _("Their times are closed as far as they are known. Correct or delete them in your calendar program.")))
    return found


def note(link: Link) -> tuple[str, str] | None:
    """What is no trouble and yet good to know of the calendar that is written: text and hint."""
    config = providers().get(link.account.provider)
    main = {str(one["id"]) for one in link.account.calendars if one.get("primary")}
    if not link.writes or config is None or not config.capabilities.organizer_is_calendar or link.remote_id in main:
        return None
    return (
        _("Not your main calendar: colleagues are invited in the name of this calendar, not in yours."),
        _("If you organise events or appointments together with others, choose your main calendar to write to."),
    )


def consequence(source: BusySource) -> str:
    """What the owner's choice means for customers right now."""
    return {
        BusySource.Policy.CLOSE: _("Until then your times can't be booked, as you chose."),
        BusySource.Policy.MARK: _("Until then your times are offered and marked as unsure, as you chose."),
        BusySource.Policy.OFFER: _("Until then your times are offered as if nothing were entered, as you chose."),
    }[BusySource.Policy(source.policy)]


def news(link: Link, now: datetime, zone: tzinfo) -> str:
    """How we come to know of changes there, in one sentence; the link was read with `told_by()`."""
    config = providers().get(link.account.provider)
    row = next(iter(link.told_by), None)  # type: ignore[attr-defined]
    asked = _("It is read every %(interval)s.") % {"interval": interval(settings.POLL_SECONDS)}
    if config is None or not config.webhook or not (link.reads or link.writes):
        return ""
    if row is None or not settings.PUSH_ADDRESS:
        return asked
    if row.lives(now) and row.unheard < SUSPICIOUS:
        until = date_format(timezone.localtime(row.expires_at, zone), "SHORT_DATETIME_FORMAT")
        return _("Changes there are told to us at once (until %(until)s; renewed by itself).") % {"until": until}
    if row.lives(now):
        return _("The calls that tell us of changes don't arrive.") + " " + asked
    if row.problem:
        return _("We can't be told of changes there: %(problem)s") % {"problem": told(row.problem)} + " " + asked
    return _("Being told of changes there is being set up.")


def told_by() -> Prefetch[str]:
    """For a query of links: the subscription by which we are told of changes, as a list of at most one."""
    return Prefetch("subscriptions", Subscription.objects.filter(ending=False), to_attr="told_by")


def interval(seconds: int) -> str:
    if seconds < 120:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    return ngettext("%(count)s minute", "%(count)s minutes", seconds // 60) % {"count": seconds // 60}
