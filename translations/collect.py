"""Collects the words of the code into messages.pot and brings each language's messages.po up to date: `python translations/collect.py`."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE / "messages.pot"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "N_": None, "lazy_gettext": None, "lazy_ngettext": (1, 2)}
SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEADER = "# The words of Deskhand. Made by collect.py.\n#"


def collected() -> Catalog:
    """Every message of the code as it stands. Babel alone would pass over folders such as _macros."""
    found = Catalog(project="Deskhand", charset="utf-8", fuzzy=False, header_comment=HEADER)
    with (HERE / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    everywhere = extract_from_dir(HERE.parent / "app", methods, options, KEYWORDS, directory_filter=lambda _path: True)
    for _file, _line, message, _comments, context in everywhere:
        found.add(message, context=context)
    return found


def template() -> Catalog:
    with TEMPLATE.open("rb") as file:
        return read_po(file)


def languages() -> dict[str, Path]:
    """Each language and its file."""
    return {path.parent.parent.name: path for path in sorted(HERE.glob("*/LC_MESSAGES/messages.po"))}


def read(language: str) -> Catalog:
    with languages()[language].open("rb") as file:
        return read_po(file, locale=language)


def write(catalogue: Catalog, path: Path) -> None:
    """Without line numbers and dates, so that only words change the file."""
    catalogue.creation_date = catalogue.revision_date = SINCE
    with path.open("wb") as file:
        write_po(file, catalogue, width=0, sort_output=True, no_location=True, ignore_obsolete=True, omit_header=False)


def main() -> None:
    found = collected()
    write(found, TEMPLATE)
    for language, path in languages().items():
        catalogue = read(language)
        catalogue.update(found, no_fuzzy_matching=True)
        write(catalogue, path)
        missing = [message.id for message in catalogue if (message.id and not message.string) or message.fuzzy]
        sys.stdout.write(f"{language}: {len(catalogue)} messages, {len(missing)} to translate\n")


if __name__ == "__main__":
    main()
