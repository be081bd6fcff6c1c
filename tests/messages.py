"""
Bring the translations up to date: python -m tests.messages [LANGUAGE…]

Each billing_webhooks/locale/LANGUAGE/LC_MESSAGES/django.po then holds every text of the package:
translated as it was, empty where it is new, and nothing that is gone. A LANGUAGE that is named
and not there yet is begun. Without GNU gettext, which `manage.py makemessages` would need.
"""

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "billing_webhooks"
LOCALE = PACKAGE / "locale"

# Function → which of its arguments are texts; "c" marks a context.
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What begins a comment above a text that its translators are to read.
FOR_TRANSLATORS = ("Translators:",)
# Of a file's header, what is the same today and tomorrow, here and elsewhere.
HEADERS = {
    "Language",
    "Plural-Forms",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}

# A text is known by its context and its singular.
Key = tuple[str | None, str]


class Source(NamedTuple):
    """A text of the package: with a plural a pair, and the file that has it."""

    key: Key
    text: str | tuple[str, ...]
    path: str
    comments: Sequence[str]


class StableCatalog(Catalog):
    """A catalog without dates and versions of tools, so that it differs where a text does."""

    def _stable_headers(self) -> list[tuple[str, str]]:
        return [each for each in self._get_mime_headers() if each[0] in HEADERS]

    mime_headers = property(_stable_headers, Catalog._set_mime_headers)


def sources() -> Iterator[Source]:
    """Yield every text of the package, in the order of files and lines."""
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in {".py", ".html", ".txt"}:
            yield from _texts(path)


def _texts(path: Path) -> Iterator[Source]:
    name = path.relative_to(ROOT).as_posix()
    code = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Indented by chance, its lines would be no Python.
        lines = templatize(code, origin=name).splitlines()
        code = "\n".join(line.lstrip() for line in lines)
    for _line, text, comments, context in extract(
        "python", io.BytesIO(code.encode()), KEYWORDS, FOR_TRANSLATORS
    ):
        singular = text if isinstance(text, str) else text[0]
        yield Source((context, singular), text, name, comments)


def languages() -> list[str]:
    """Return the languages that there are."""
    return sorted(path.parent.parent.name for path in LOCALE.glob("*/LC_MESSAGES/django.po"))


def po_path(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def mo_path(language: str) -> Path:
    return po_path(language).with_suffix(".mo")


def stored(language: str) -> Catalog:
    """Return a language's file as it is."""
    path = po_path(language)
    if not path.exists():
        return Catalog(language, header_comment="")
    with path.open("rb") as file:
        return read_po(file, language, abort_invalid=True)


def gathered(language: str) -> StableCatalog:
    """Return a language's file as it has to be, with what is translated already."""
    old = stored(language)
    catalog = StableCatalog(
        language, project=PACKAGE.name, header_comment=old.header_comment, fuzzy=False
    )
    for source in sources():
        context, singular = source.key
        known = old.get(singular, context)
        catalog.add(
            source.text,
            _translation(source, known),
            locations=[(source.path, 0)],
            auto_comments=source.comments,
            user_comments=known.user_comments if known else (),
            context=context,
        )
    return catalog


def _translation(source: Source, known: Message | None) -> str | tuple[str, ...]:
    """Return what is known, unless only one of the two has a plural, or it was a guess."""
    if known is None or known.id != source.text or known.fuzzy:
        return ""
    string = known.string or ""
    return string if isinstance(string, str) else tuple(string)


def po_of(catalog: Catalog) -> bytes:
    """Return what a .po file has to hold: texts in the order of the alphabet."""
    file = io.BytesIO()
    write_po(file, catalog, width=96, sort_output=True, include_lineno=False)
    return file.getvalue()


def mo_of(catalog: Catalog) -> bytes:
    """Return what the .mo file has to hold, of which Django reads the translations."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    """Return the texts that a translation, or one of its plurals, is missing of."""
    return [each for each in catalog if each.id and not _is_whole(each.string)]


def _is_whole(translation: str | Sequence[str] | None) -> bool:
    return bool(translation) and all(translation or ())


def update(language: str) -> list[Message]:
    """Write a language's files, and return what is left to be translated."""
    catalog = gathered(language)
    po_path(language).parent.mkdir(parents=True, exist_ok=True)
    po_path(language).write_bytes(po_of(catalog))
    mo_path(language).write_bytes(mo_of(catalog))
    return untranslated(catalog)


def main(named: Sequence[str]) -> None:
    """Write the files of every language, and say where texts are left to be translated."""
    for language in sorted({*languages(), *named}):
        left = update(language)
        print(f"{po_path(language).relative_to(ROOT)}: {len(left)} texts to be translated")
        for message in left:
            print(f"  {message.id!r}")


if __name__ == "__main__":
    main(sys.argv[1:])
