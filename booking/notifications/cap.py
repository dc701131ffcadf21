"""A limit of mails to one address, so that the public booking form can't be used to flood somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from booking.errors import TooMany
from booking.models import Message


def check_cap(email: str, now: datetime) -> None:
    """Raises TooMany if MAIL_CAP_PER_ADDRESS mails have gone, or wait to go, to that customer's address within 24 hours."""
    mails = Message.objects.filter(audience=Message.Audience.CUSTOMER, recipient__iexact=email.strip(), created_at__gt=now - timedelta(days=1))
    if mails.count() >= settings.MAIL_CAP_PER_ADDRESS:
        raise TooMany(_("There have been too many bookings with this e-mail address today. Please call us."))
