"""Reads the mails that Django's file backend has written: newest first, for the demo's mail page."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

# What the file backend writes after each message.
SEPARATOR = b"-" * 79 + b"\n"


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. `key` is file and place in it; text, HTML and attachments are foreign text: escape them."""

    key: str
    sent_at: datetime
    sender: str
    to: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def read_all(folder: Path) -> list[Mail]:
    """All mails, newest first."""
    mails = [mail for path in folder.glob("*.log") for mail in _read(path)]
    return sorted(mails, key=lambda mail: (mail.sent_at, mail.key), reverse=True)


def _read(path: Path) -> list[Mail]:
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    parts = [part for part in path.read_bytes().split(SEPARATOR) if part.strip()]
    return [_mail(f"{path.stem}-{place}", part, written_at) for place, part in enumerate(parts)]


def _mail(key: str, raw: bytes, written_at: datetime) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(
        key=key,
        sent_at=written_at,
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=tuple(_attachment(part) for part in message.iter_attachments() if isinstance(part, EmailMessage)),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _attachment(part: EmailMessage) -> Attachment:
    text = str(part.get_content()) if part.get_content_maintype() == "text" else ""
    return Attachment(name=part.get_filename() or part.get_content_type(), kind=part.get_content_type(), text=text)
