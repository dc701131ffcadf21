"""Public holidays of a country or one of its states, by the package `holidays`: the days, their names, and what can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

import holidays
from babel import Locale
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


@lru_cache(maxsize=1)
def states() -> dict[str, list[str]]:
    """The countries that are known, each with the codes of its states."""
    return holidays.list_supported_countries(include_aliases=False)


def check(country: str, subdivision: str) -> None:
    """ValidationError for what the package doesn't know: nobody would notice that it closes nothing."""
    if not country and not subdivision:
        return
    if country not in states():
        raise ValidationError({"holidays_country": _("The public holidays of this country are not known.")})
    if subdivision and subdivision not in states()[country]:
        raise ValidationError({"holidays_subdivision": _("This is not a state of that country.")})


def between(country: str, subdivision: str, first: date, last: date) -> Iterator[date]:
    """The public holidays from `first` to `last`; those of no country are none."""
    if country:
        for year in range(first.year, last.year + 1):
            yield from (day for day in _days(country, subdivision, year) if first <= day <= last)


def name(country: str, subdivision: str, day: date, language: str) -> str:
    """What that day is called; empty if it is an ordinary one. Where the language isn't known, the country's own."""
    return _names(country, subdivision, day.year, language).get(day, "") if country else ""


def choices(language: str) -> list[tuple[str, str | list[tuple[str, str]]]]:
    """What a form offers: countries by name, those that have states as groups. A value is a code as `code` writes it."""
    territories = Locale.parse(language, sep="-").territories
    offered: list[tuple[str, str | list[tuple[str, str]]]] = []
    for name, country in sorted((territories.get(country, country), country) for country in states()):
        known = [(code(country, state), label) for state, label in _states(country)]
        offered.append((name, [(country, name), *known]) if known else (country, name))
    return [("", gettext("none")), *offered]


def code(country: str, subdivision: str) -> str:
    """As ISO 3166-2 writes it: DE, or DE-BY."""
    return f"{country}-{subdivision}" if subdivision else country


def parts(code: str) -> tuple[str, str]:
    """Country and state of such a code."""
    country, _, subdivision = code.partition("-")
    return country, subdivision


def label(country: str, subdivision: str, language: str) -> str:
    """Such as "Germany, Bayern"; empty without a country."""
    if not country:
        return ""
    place = Locale.parse(language, sep="-").territories.get(country, country)
    return f"{place}, {dict(_states(country)).get(subdivision, subdivision)}" if subdivision else place


def _states(country: str) -> list[tuple[str, str]]:
    aliases = _calendar(country, "").get_subdivision_aliases()
    return sorted(((code, _longest(code, aliases.get(code, ()))) for code in states()[country]), key=lambda one: one[1])


def _longest(code: str, aliases: Iterable[str]) -> str:
    """A name rather than an abbreviation."""
    return max(aliases, key=len, default=code)


@lru_cache(maxsize=1024)
def _days(country: str, subdivision: str, year: int) -> tuple[date, ...]:
    return tuple(sorted(_calendar(country, subdivision, year)))


@lru_cache(maxsize=128)
def _names(country: str, subdivision: str, year: int, language: str) -> dict[date, str]:
    known = _calendar(country, subdivision)
    fitting = [one for one in known.supported_languages if one.split("_")[0] == language.split("-")[0]]
    # American names of the days are the only English ones that every country has.
    spoken = "en_US" if "en_US" in fitting else fitting[0] if fitting else known.default_language
    return dict(_calendar(country, subdivision, year, language=spoken).items())


def _calendar(country: str, subdivision: str, year: int | None = None, language: str | None = None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=language)
