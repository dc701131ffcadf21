"""Says in words what is wrong with a text before it is saved: placeholders that would stay unfilled, and broken marks."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.notifications import markup
from booking.notifications.placeholders import PLACEHOLDERS, unknown
from booking.notifications.texts import Text

MARKS = {
    "heading": gettext_lazy("Line %(number)d begins with #. A heading is written: # See you soon"),
    "rows": gettext_lazy("Line %(number)d begins with |. A row of the table is written: | When | %%appointment_date%%"),
    "buttons": gettext_lazy("Line %(number)d begins with [. A button is written: [See the appointment] %%appointment_manage_url%%"),
    "address": gettext_lazy("The button in line %(number)d leads nowhere. After its words comes a placeholder for a link, or an address with https://"),
}


def mistakes(text: Text, written: str, *, marks: bool = True) -> list[str]:
    """One sentence for each mistake; empty when it can be saved."""
    found = [str(MARKS[mark]) % {"number": number} for number, mark in markup.mistakes(written)] if marks else []
    names = {f"%{one.name}%" for one in PLACEHOLDERS}
    for name in unknown(written, text.where):
        bare = f"{name.partition(':')[0].rstrip('%')}%"
        if bare not in names:
            found.append(_("There is no placeholder %(name)s.") % {"name": name})
        elif bare == name:
            found.append(_("%(name)s is not filled in mails of this kind. Please choose one from the list.") % {"name": name})
        else:
            found.append(_("%(name)s: this is no format for it. Dates take one, such as %%appointment_date:EEE d MMM%%.") % {"name": name})
    return found
