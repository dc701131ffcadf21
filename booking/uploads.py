"""What of an uploaded file is believed: its size as it was received, and its content, never its name alone."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import FileUploadHandler
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

LONGEST_NAME = 150
HEAD = 4096
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
# Not in a name: what ends a line or a path, what can't be seen, and the marks that turn the direction of writing.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2066-\u2069/\\]")
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Checked:
    """A file whose content is what its name says."""

    file: IO[bytes]
    name: str
    media_type: str
    size: int
    digest: str


def _is_text(file: IO[bytes], head: bytes) -> bool:
    content = file.read()
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return not _NOT_TEXT.search(content)


def _is_document(entry: str) -> Callable[[IO[bytes], bytes], bool]:
    """A ZIP archive with that entry, and without macros. Nothing is unpacked."""

    def check(file: IO[bytes], head: bytes) -> bool:
        if not head.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return False
        return entry in names and not any(PurePath(name).name.lower().startswith("vbaproject") for name in names)

    return check


def _begins(*beginnings: bytes, at: int = 0) -> Callable[[IO[bytes], bytes], bool]:
    return lambda _file, head: head.startswith(beginnings, at)


# Ending -> (media type, whether the content is that).
KINDS: dict[str, tuple[str, Callable[[IO[bytes], bytes], bool]]] = {
    ".pdf": ("application/pdf", _begins(b"%PDF-")),
    ".png": ("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", _begins(b"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", _begins(b"\xff\xd8\xff")),
    ".webp": ("image/webp", _begins(b"WEBP", at=8)),
    ".heic": ("image/heic", _begins(*(b"ftyp" + brand for brand in HEIF_BRANDS), at=4)),
    ".txt": ("text/plain", _is_text),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _is_document("word/document.xml")),
    ".odt": ("application/vnd.oasis.opendocument.text", _is_document("content.xml")),
}
ACCEPTED = ",".join(KINDS)


def check_size(size: int) -> None:
    if size > settings.UPLOAD_LIMIT:
        raise ValidationError(_("This file is too large; %(most)s are possible.") % {"most": filesizeformat(settings.UPLOAD_LIMIT)}, code="too_large")


def checked(file: Any) -> Checked:
    """The uploaded file, if it is one of KINDS and not too large; ValidationError that says what is wrong otherwise."""
    check_size(file.size)
    name = cleaned_name(file.name or "")
    media_type, is_it = KINDS.get(PurePath(name).suffix.lower(), ("", None))
    if is_it is None:
        raise ValidationError(_("Files of this kind can't be sent. Possible are: %(kinds)s.") % {"kinds": ACCEPTED.replace(",", " ")}, code="kind")
    if not file.size:
        raise ValidationError(_("This file is empty."), code="empty")
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if not is_it(file, head):
        raise ValidationError(_("This file is not what its name says, or is damaged."), code="content")
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return Checked(file=file, name=name, media_type=media_type, size=file.size, digest=digest)


def cleaned_name(name: str) -> str:
    """What may be shown of the name, with its ending."""
    name = _UNFIT.sub("", name).strip(" .") or "file"
    ending = PurePath(name).suffix[:10]
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - len(ending)].rstrip() + ending


class CappedUpload(FileUploadHandler):
    """Receives no more of each file than is needed to see that it is too large; the rest is let go, and all other fields arrive."""

    chunk_size = FileUploadHandler.chunk_size

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return raw_data if start <= settings.UPLOAD_LIMIT else None

    def file_complete(self, file_size: int) -> None:
        """The next one has it."""
