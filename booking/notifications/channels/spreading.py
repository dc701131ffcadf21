"""What a mail tells is told over the other channels too: their messages are written when the mail is due, so that a booking waits for none of it."""

from __future__ import annotations

from booking.models import Message
from booking.notifications import channels
from booking.wake import wake_after_commit


def spread(mail: Message) -> None:
    """One message per channel and recipient, however often it is called for the same mail."""
    from booking.tasks import send_messages

    for channel in channels.others():
        rows = [
            Message(
                channel=channel.name,
                audience=audience,
                recipient=recipient,
                kind=mail.kind,
                attendance=mail.attendance,
                registration=mail.registration,
                waiting=mail.waiting,
                reminder=mail.reminder,
                moment=mail.moment,
                version=mail.version,
                context={name: value for name, value in mail.context.items() if name != "told"},
                not_before=mail.not_before,
            )
            for audience, recipient in channel.recipients(mail)
        ]
        if rows:
            Message.objects.bulk_create(rows, ignore_conflicts=True)
            wake_after_commit(send_messages, channel.name)
