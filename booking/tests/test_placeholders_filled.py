"""How a text is filled: once, from the whitelist only, harmless for the place it goes to."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.notifications.placeholders import PLACEHOLDERS, Value, allowed_in, fill, header, html, samples, text, unknown
from booking.notifications.placeholders.escaping import unlinked
from booking.notifications.placeholders.moments import Moment

# Some placeholders are rows: the shop's own questions and extras.
pytestmark = [pytest.mark.django_db, pytest.mark.once]

AT = datetime(2026, 3, 5, 13, 7, tzinfo=UTC)
VALUES: dict[str, Value] = {"a": "x", "b": "%a%", "c": "%%", "day": Moment(AT, "en", "date"), "tag": Moment(AT, "de", "date"), "old": ""}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("%a%", "x"),
        ("%a%%a%", "xx"),
        ("%b%", "%a%"),
        ("%c%%a%", "%%x"),
        ("100 %% %a%", "100 % x"),
        ("%%a%%", "%a%"),
        ("100%%%a%", "100%x"),
        ("50 % of %a%", "50 % of x"),
        ("50%off%a%", "50%offx"),
        ("%nonsense%", "%nonsense%"),
        ("%nonsense%%a%", "%nonsense%x"),
        ("%A%", "%A%"),
        ("%a:b%", "%a:b%"),
        ("%a", "%a"),
        ("%", "%"),
        ("", ""),
        ("%old:d MMM%", ""),
    ],
)
def test_it_fills_each_placeholder_once_and_leaves_the_rest(template, filled):
    """Red when filling is done by str.replace, name after name."""
    assert fill(template, VALUES) == filled


@pytest.mark.parametrize(
    "payload",
    [
        "{{ settings.SECRET_KEY }}",
        "{% debug %}",
        "{booking.host.password}",
        "{0.__class__}",
        "%(x)s",
        "%s %d %r",
        "%a.__class__%",
        "%a[0]%",
        "%__class__%",
        "${a}",
        "%day:{0.__class__}%",
        "%day:%Y%",
    ],
)
def test_it_runs_nothing_that_a_text_or_a_value_contains(payload):
    """Red when names are looked up as attributes or formats are given to strftime or str.format."""
    assert fill(payload, VALUES) == payload
    assert fill("%v%", {"v": payload}) == payload


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("%day%", "March 5, 2026"),
        ("%tag%", "5. März 2026"),
        ("%day:EEE d MMM%", "Thu 5 Mar"),
        ("%tag:EEEE, d. MMMM y%", "Donnerstag, 5. März 2026"),
        ("%tag:EEE dd.MM.yy%", "Do 05.03.26"),
        ("%day:h:mm a%", "1:07 PM"),
        ("%day:HH:mm 'o''clock'%", "13:07 o'clock"),
        ("%day:Q%", "%day:Q%"),
        ("%day:'open%", "%day:'open%"),
        ("%day:%", "%day:%"),
    ],
)
def test_it_writes_dates_by_language_and_by_the_format_of_the_place(template, shown):
    assert fill(template, VALUES) == shown


@given(value=st.text(alphabet=string.printable + "%äß\u2028\u202e"), before=st.text(alphabet="ab%: "), after=st.text(alphabet="ab%: "))
def test_a_value_is_never_read_again(value, before, after):
    values = {"name": value, "secret": "SECRET"}
    assert "SECRET" not in fill(before.replace("%", "") + "%name%" + after.replace("%", ""), values, str)
    assert fill("%name%", values, str) == value


@given(st.text())
def test_nothing_escapes_its_place(value):
    assert not set(html(value)) & {'"', "'"}
    assert html(value).replace("<br>", "").count("<") == 0
    assert not set(header(value)) & set("\r\n\0\v\f\x85\u2028\u2029")
    assert not set(text(value)) & set("\r\0\u2028\u2029\u202e\u2066")


def test_html_escapes_the_value_and_the_words_around_it():
    assert fill("Fish & %a%", {"a": "<b>chips</b>"}, html, around=html) == "Fish &amp; &lt;b&gt;chips&lt;/b&gt;"


@pytest.mark.parametrize("bait", ["http://evil.example", "www.evil.example", "evil.com/x", "a@evil.com", "evil。com", "HTTPS://1.2.3.4"])
def test_what_a_guest_types_reads_the_same_and_is_no_link(bait):
    bare = unlinked(bait)
    assert bare.replace("\u200b", "") == bait
    assert bait not in bare
    assert "://" not in bare.replace("://\u200b", "")


def test_a_form_learns_what_would_stay_unfilled():
    assert unknown("%service_name% %appointment_date:EEE d MMM% 100 %% 50 %", "calendar") == []
    assert unknown("%nonsense% %nonsense% %service_name:d%", "mail") == ["%nonsense%", "%service_name:d%"]
    assert unknown("%x%service_name%y%", "mail") == ["%x%"]
    assert unknown("%appointment_cancel_url%%customer_panel_url%%customer_note%", "calendar") == [
        "%appointment_cancel_url%",
        "%customer_panel_url%",
        "%customer_note%",
    ]


def test_no_link_with_a_token_and_no_note_on_a_person_may_stand_in_a_calendar():
    names = {one.name for one in allowed_in("calendar")}
    assert not {name for name in names if name.endswith("_url")}
    assert not {"customer_note", "employee_note"} & names
    assert not {"customer_note", "employee_note", "appointment_notes"} & {one.name for one in allowed_in("customer")}


def test_each_placeholder_has_its_own_name_and_a_sample():
    assert len({one.name for one in PLACEHOLDERS}) == len(PLACEHOLDERS)
    for where in ("calendar", "mail", "customer", "employee"):
        shown = samples(where, "de")
        assert list(shown) == [one.name for one in allowed_in(where)]
        assert all(fill(f"%{name}%", shown) for name in shown)
