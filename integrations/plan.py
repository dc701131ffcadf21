"""Shows what a choice of calendars will do before it is made: worked out in the background, carried out when the owner agrees."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_noop as _

from booking.models import Calendar
from integrations import choosing, connect
from integrations.contract import ProviderError
from integrations.engine import rehearse
from integrations.models import Account, Plan

logger = logging.getLogger(__name__)

KEPT = timedelta(days=1)


def begin(account: Account, calendar: Calendar, *, reads: set[str], writes: str) -> None:
    """Has it worked out in the background, in place of what was worked out before; the page polls the plan."""
    from integrations.tasks import work_out

    with transaction.atomic():
        Plan.objects.filter(account=account).delete()
        plan = Plan.objects.create(account=account, calendar=calendar, reads=sorted(reads), writes=writes)
        transaction.on_commit(lambda: work_out.delay(plan.pk))


def work_out(plan_id: int) -> None:
    """Reads what the choice is about and rehearses it. One that was replaced or carried out meanwhile is no longer there."""
    plan = Plan.objects.select_related("account__user__employee", "calendar").filter(pk=plan_id).first()
    if plan is None:
        return
    account, calendar, reads, writes = plan.account, plan.calendar, set(plan.reads), plan.writes
    listing: rehearse.Listing = {}
    with translation.override(connect.language(account)):
        try:
            for remote, changes in rehearse.read(account, calendar, rehearse.to_be_read(account, calendar, reads=reads, writes=writes)):
                listing.setdefault(remote, []).extend(changes)
                plan.read += len(changes)
                Plan.objects.filter(pk=plan.pk).update(read=plan.read)
            plan.result, plan.state = rehearse.rehearse(account, calendar, reads=reads, writes=writes, listing=listing), Plan.State.READY
        except ProviderError as error:
            plan.state, plan.problem, plan.hint = Plan.State.FAILED, str(error)[:500], getattr(error, "hint", "")[:500]
        except Exception:  # whoever waits for the result must not wait for ever
            logger.exception("Account %s: the preview broke", account.pk)
            plan.state, plan.problem, plan.hint = Plan.State.FAILED, _("Something went wrong on our side."), _("Please tell your admin: the log says more.")
    Plan.objects.filter(pk=plan.pk).update(state=plan.state, problem=plan.problem, hint=plan.hint, result=plan.result, made_at=timezone.now())


def carry_out(plan: Plan) -> bool:
    """Makes the choice. True: a separate calendar is being created first."""
    account, new = plan.account, plan.writes == rehearse.NEW
    with transaction.atomic():
        choosing.choose(account, plan.calendar, reads=set(plan.reads), writes="" if new else plan.writes)
        plan.delete()
        if new:
            connect.create_separate_later(account)
    return new


def forget() -> None:
    """Plans nobody came back to."""
    Plan.objects.filter(made_at__lt=timezone.now() - KEPT).delete()
