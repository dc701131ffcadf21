"""Pictures of services and categories: read, written anew, shown, handed out."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from PIL import Image

from booking import pictures
from booking.models import Category, Service
from booking.tasks import purge
from booking.tests.options import file, picture
from booking.tests.pages import text_of
from booking.tests.salon import make_employee, make_service

pytestmark = pytest.mark.django_db
NONE = {f"{name}-{count}": "0" for name in ("offers", "extras") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}

# What the admin's form must be sent with.
ASKED = (
    "name",
    "color",
    "price",
    "position",
    "duration",
    "buffer_before",
    "buffer_after",
    "slot_step",
    "min_notice",
    "horizon",
    "reschedule_notice",
    "cancel_notice",
    "min_capacity",
    "max_capacity",
    "assignment",
    "limit_days",
)


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def service() -> Service:
    make_service(make_employee("Adam"), name="Colour")
    return make_service(make_employee("Eve"))


@pytest.fixture
def staff(client: Client, manager) -> Client:
    client.force_login(manager)
    return client


def save(staff: Client, service: Service, **typed: object):
    kept = {name: getattr(service, name) for name in ASKED} | {"is_active": "on"}
    return staff.post(f"/admin/booking/service/{service.pk}/change/", {**kept, **NONE, **typed})


@pytest.mark.feature("P2")
def test_a_picture_is_written_anew_and_shown(staff, service, media):
    """Red when the form's file is kept as it came."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "SECRET PLACE", 6  # a description, and lying on its side
    sent = picture("JPEG", (3000, 1500), exif=exif) + b"<?php evil() ?>"
    assert save(staff, service, picture=file("../../me.php.jpg", sent)).status_code == 302
    service.refresh_from_db()
    assert re.fullmatch(r"pictures/[0-9a-f]{32}\.webp", str(service.picture))
    content = (media / str(service.picture)).read_bytes()
    assert b"SECRET" not in content
    assert b"php" not in content
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("WEBP", (800, 1600), {})
    page = Client().get("/")
    assert f'src="/media/{service.picture}"' in page.content.decode()
    assert '<svg class="tile"' in page.content.decode()  # the other one has none
    answer: Any = Client().get(f"/media/{service.picture}")
    assert b"".join(answer.streaming_content) == content
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert "immutable" in answer["Cache-Control"]
    assert Client().get(f"/api/v1/services/{service.pk}/").json()["picture"].endswith(f"/media/{service.picture}")


def test_a_shop_without_pictures_is_a_plain_list(client, service):
    page = client.get("/").content.decode()
    assert 'class="tile"' not in page
    assert page.count('class="choice-color"') == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b"<html>"),
        ("a.png", picture()[:200]),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.gif", picture("GIF")),
        ("a.bmp", picture("BMP")),
        ("a.jpg", b""),
    ],
)
def test_what_is_no_picture_is_refused_and_what_was_typed_stays(staff, service, media, name, content):
    answer = save(staff, service, name="Another name", picture=file(name, content))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"picture"}
    assert 'value="Another name"' in answer.content.decode()
    assert not media.exists()


def test_a_picture_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(staff, service, monkeypatch):
    """Red without the look at width and height."""
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    monkeypatch.setattr("PIL.ImageOps.exif_transpose", lambda image: pytest.fail("was unpacked"))
    answer = save(staff, service, picture=file("a.png", picture("PNG", (50, 50))))
    assert "too many pixels" in text_of(answer)


def test_one_that_is_too_large_is_refused(staff, service, settings):
    settings.UPLOAD_LIMIT = 1000
    assert "too large" in text_of(save(staff, service, picture=file("a.jpg", picture() + b"x" * 1000)))


def test_going_back_to_an_earlier_version_keeps_the_picture(staff, service):
    """Red when the picture is in the history."""
    version = service.history.first()
    save(staff, service, picture=file("a.jpg", picture()), price="40")
    service.refresh_from_db()
    typed = {name: getattr(service, name) for name in ASKED} | {"is_active": "on", "price": "35"}
    assert staff.post(f"/admin/booking/service/{service.pk}/history/{version.pk}/", typed).status_code == 302
    before = str(service.picture)
    service.refresh_from_db()
    assert (service.price, str(service.picture)) == (35, before)


def test_a_category_has_colour_and_picture(staff, service):
    typed = {"name": "Hair", "color": "#aa0011", "position": "0", "picture": file("a.png", picture("PNG"))}
    assert staff.post("/admin/booking/category/add/", {**typed, "color": "red"}).status_code == 200
    assert staff.post("/admin/booking/category/add/", {**typed, "picture": file("a.png", picture("PNG"))}).status_code == 302
    category = Category.objects.get()
    Service.objects.update(category=category)
    page = Client().get("/").content.decode()
    assert 'fill="#aa0011"' in page
    assert f'src="{category.picture.url}"' in page


def test_no_other_file_is_handed_out(client, service, media):
    (media / "private").mkdir(parents=True)
    (media / "private" / "secret").write_text("x")
    (media / "private" / "secret.webp").write_text("x")
    for path in (
        "private/secret",
        "private/secret.webp",
        "pictures/../private/secret.webp",
        "pictures/%2e%2e/private/secret.webp",
        "pictures/..%2fprivate%2fsecret.webp",
        "pictures/none.webp",
    ):
        assert client.get(f"/media/{path}").status_code == 404


def test_a_picture_that_was_replaced_is_deleted_after_a_day(staff, service, media):
    """Red when _purge_pictures() is taken out of purge()."""
    for color in ("#111111", "#222222"):
        save(staff, service, picture=file("a.jpg", picture()), color=color)
    service.refresh_from_db()
    assert len(list((media / "pictures").iterdir())) == 2
    purge()
    assert len(list((media / "pictures").iterdir())) == 2
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
        purge()
    assert [one.name for one in (media / "pictures").iterdir()] == [Path(str(service.picture)).name]
