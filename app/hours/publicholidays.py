"""Public holidays by country and region, to be taken into a calendar as rows. Nothing else ever asks the library."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import holidays
from babel import Locale
from flask_babel import gettext as _

from app.core.errors import Invalid
from app.core.folding import fold
from app.core.words import language

MOST_YEARS = 10


@lru_cache(1)
def _regions() -> dict[str, list[str]]:
    """Country by its two letters -> its regions."""
    return {code: regions for code, regions in holidays.list_supported_countries().items() if len(code) == 2}


def countries() -> list[tuple[str, str]]:
    """Codes and names in the reader's language, by name."""
    names = Locale.parse(language()).territories
    found = [(code, str(names.get(code, code))) for code in _regions()]
    return sorted(found, key=lambda each: fold(each[1]))


def regions(country: str) -> list[tuple[str, str]]:
    """Codes and names as the country itself spells them; none for a country without any."""
    known = _regions().get(country, [])
    if not known:
        return []
    aliases: dict[str, str] = {}
    for name, code in holidays.country_holidays(country).subdivisions_aliases.items():
        aliases.setdefault(code, name)
    return sorted(((code, aliases.get(code, code)) for code in known), key=lambda each: fold(each[1]))


def of(country: str, region: str, first: int, last: int, language_wanted: str) -> dict[dt.date, str]:
    """Date -> name, from one year's beginning to another's end. Raises Invalid for what there is not."""
    if country not in _regions():
        raise Invalid(_("Please choose a country."), {"country": _("Please choose a country.")})
    if region and region not in _regions()[country]:
        raise Invalid(_("Please choose again."), {"region": _("This country has no such region.")})
    if not first <= last < first + MOST_YEARS:
        raise Invalid(_("Please choose again."), {"last": _("Choose at most %(most)s years, the first one first.", most=MOST_YEARS)})  # fmt: skip
    found = holidays.country_holidays(
        country, subdiv=region or None, years=range(first, last + 1), language=_spoken(country, language_wanted)
    )
    return {date: name for date, name in sorted(found.items()) if first <= date.year <= last}


def _spoken(country: str, wanted: str) -> str | None:
    """The library's name of the wanted language, else what the country speaks."""
    entity: Any = holidays.country_holidays(country)
    spoken: tuple[str, ...] = entity.supported_languages
    fitting = [name for name in spoken if name.split("_")[0] == wanted]
    return next(iter(fitting), entity.default_language)
