"""What went wrong, in the reader's language. Errors are raised and stored in English, by code that knows no reader, and translated when they are shown.

A value in such a text stands in brackets at its end and is left as it is: "The provider is not installed. (acme)".
"""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# The texts of wire/, the providers and booking/ical, which are not marked where they are raised: `test_told.py` finds what is missing here.
TEXTS = (
    _("Ask its operator. Own authorities are set by KALENDS_CA_FILE."),
    _("Ask the server's operator, or choose a smaller calendar."),
    _("Check the address."),
    _("Check the e-mail addresses in it."),
    _("Check the rights of this account on the calendar."),
    _("Choose the calendar again."),
    _("Connect it again and tick every box that Google shows."),
    _("Connect the account again."),
    _("Copy the CalDAV address from the settings of your calendar server."),
    _("Delete it there, then try again."),
    _("Enter them again. Some servers want an app password."),
    _("Google does not accept our access any more."),
    _("Google does not take this event."),
    _("If you trust it, enter its address yourself."),
    _("Install it again or disconnect the account."),
    _("It was deleted there too often; delete it here, then enter it anew."),
    _("Look at the entry there; it may break one of the server's rules."),
    _("No calendars were found at this address."),
    _("The Google Calendar API is switched off."),
    _("The event can't be written."),
    _("The event changes a whole rest of a series at once, which can't be read."),
    _("The event ends before it starts."),
    _("The event has a date that can't be read."),
    _("The event has a date that does not exist."),
    _("The event has a duration that can't be read."),
    _("The event has changed meanwhile."),
    _("The event has no start."),
    _("The event is cut short."),
    _("The event is gone."),
    _("The event is in a time zone that is not known."),
    _("The event is not in this text."),
    _("The event keeps changing over there."),
    _("The event starts at a time and ends on a day, or the other way round."),
    _("The lease was lost to another worker."),
    _("The listing was interrupted."),
    _("The operator switches it on in the Google Cloud console."),
    _("The provider is not installed."),
    _("The series has a rule that can't be read."),
    _("The series has an exclusion rule, which can't be read."),
    _("The series has more instances than can be handled."),
    _("The series has more rules than can be handled."),
    _("The series is in a time zone that is not known."),
    _("The series is too long to be worked through."),
    _("The series leaves the calendar."),
    _("The series repeats more often than daily or has no frequency."),
    _("The series repeats too often within a day."),
    _("The server allows no more calls for the time being."),
    _("The receiver did not accept it."),
    _("The receiver wants no more of these."),
    _("The server can't be reached."),
    _("The server does not accept the user name or password."),
    _("The server does not allow this."),
    _("The server gave an answer that makes no sense."),
    _("The server gives its list out in parts without end."),
    _("The server has another event of the same identity."),
    _("The server is busy or out of order."),
    _("The server refuses this content."),
    _("The server sends us around in circles."),
    _("The server sends us on to another host."),
    _("The server takes too long to answer."),
    _("The server's answer can't be read."),
    _("The server's answer is too large."),
    _("The server's answer was cut short."),
    _("The server's certificate is not trusted."),
    _("The time zone in the event can't be read."),
    _("This address can't be used."),
    _("This does not exist on the server any more."),
    _("This is not an event."),
    _("This is not an iCalendar text."),
    _("Use an https:// address on the public internet. An operator can allow a host of the own network in KALENDS_PRIVATE_HOSTS."),
    _("We may not use the calendars of this account."),
)


def told(text: object) -> str:
    """The stored text in the active language; what is no text of ours (or was stored translated) stays as it is."""
    whole = str(text or "")
    said, bracket, value = whole.rpartition(" (") if whole.endswith(")") else (whole, "", "")
    return gettext(said) + bracket + value if said else ""
