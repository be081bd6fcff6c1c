"""Every text of the package can be translated, and every translation is complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.utils import translation

from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.replaying import replay
from tests import messages
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

by_language = pytest.mark.parametrize("language", messages.languages())

# "%(name)s", "%s" and "%d"; "{name}"; but not "%%".
PLACEHOLDER = re.compile(r"%%|(%(?:\(\w+\))?[sdr]|\{\w*\})")

ENDS = (".", "?", "!", ":")


def forms(text: str | Sequence[str] | None) -> Sequence[str]:
    """Return a text, or its singular and plurals."""
    return (text,) if isinstance(text, str) else tuple(text or ())


def translations(catalog: Catalog) -> dict[messages.Key, Sequence[str]]:
    """Return what each text is translated to, by its context and singular."""
    return {(each.context, forms(each.id)[0]): forms(each.string) for each in catalog if each.id}


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a text, those with names in any order."""
    found = [each for each in PLACEHOLDER.findall(text) if each]
    return sorted(found, key=lambda each: each if "(" in each or "{" in each else "")


def calls_in(path: Path) -> Iterator[str]:
    """Yield the singulars of texts as Python itself reads them; "" for what is no plain text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            name = node.func.id
            if name in messages.KEYWORDS:
                text = node.args["pgettext" in name]
                is_text = isinstance(text, ast.Constant) and isinstance(text.value, str)
                yield str(text.value) if is_text else ""  # type: ignore[attr-defined]


def test_german__is_there() -> None:
    assert "de" in messages.languages()


def test_gathering__misses_nothing_in_python() -> None:
    called = {text for path in messages.PACKAGE.rglob("*.py") for text in calls_in(path)}
    found = {each.key[1] for each in messages.sources() if each.path.endswith(".py")}
    assert called == found


def test_gathering__reads_templates() -> None:
    found = {each.key[1] for each in messages.sources() if each.path.endswith(".html")}
    assert "For %(count)s %(kind)s" in found


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a language that is only begun."""
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PACKAGE", tmp_path)
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    (tmp_path / "code.py").write_text('_("plan")')
    (tmp_path / "page.html").write_text(
        '<p>\n    {% load i18n %}\n  {% translate "usage" context "of a meter" %}</p>'
    )
    messages.update("fr")
    return messages.po_path("fr")


def test_update__begins_a_language(french: Path) -> None:
    assert messages.languages() == ["fr"]
    assert translations(messages.stored("fr")) == {
        (None, "plan"): ("",),
        ("of a meter", "usage"): ("",),
    }


def test_update__keeps_what_is_translated(french: Path) -> None:
    before = french.read_text().replace('msgid "plan"\nmsgstr ""', 'msgid "plan"\nmsgstr "offre"')
    french.write_text(before)
    assert [each.id for each in messages.update("fr")] == ["usage"]
    assert french.read_text() == before


def test_update__drops_what_is_gone_and_guesses_nothing(french: Path) -> None:
    french.write_text(french.read_text() + '\n#, fuzzy\nmsgid "plans"\nmsgstr "offres"\n')
    (french.parents[3] / "code.py").write_text('_("plan"), _("planet")')
    assert [each.id for each in messages.update("fr")] == ["plan", "planet", "usage"]
    assert "offres" not in french.read_text()


@by_language
class TestFiles:
    def test_po__holds_every_text_and_no_other(self, language: str) -> None:
        texts = {each.key for each in messages.sources()}
        stored = messages.stored(language)
        assert set(translations(stored)) == texts, "Run `make messages`."
        assert not stored.obsolete

    def test_po__is_as_it_would_be_written(self, language: str) -> None:
        """Otherwise the next `make messages` changes what nobody has changed."""
        catalog = messages.gathered(language)
        assert messages.po_path(language).read_bytes() == messages.po_of(catalog)

    def test_po__is_whole(self, language: str) -> None:
        stored = messages.stored(language)
        assert [each.id for each in messages.untranslated(stored)] == []
        assert [each.id for each in stored if each.id and each.fuzzy] == []

    def test_po__keeps_placeholders(self, language: str) -> None:
        for message in messages.stored(language):
            # What says "it" of one row may do so in a translation, too.
            wanted = [placeholders(text) for text in forms(message.id)]
            for text in forms(message.string) if message.id else ():
                assert placeholders(text) in wanted, message.id
            assert not message.id or placeholders(forms(message.string)[-1]) == wanted[-1]

    def test_po__keeps_the_end_of_sentences(self, language: str) -> None:
        for (_context, text), translated in translations(messages.stored(language)).items():
            assert text.endswith(ENDS) == translated[0].endswith(ENDS), text

    def test_po__has_every_plural(self, language: str) -> None:
        stored = messages.stored(language)
        plurals = [each for each in stored if each.pluralizable]
        assert plurals
        assert {len(forms(each.string)) for each in plurals} == {stored.num_plurals}

    def test_mo__is_what_the_po_says(self, language: str) -> None:
        catalog = messages.gathered(language)
        assert messages.mo_path(language).read_bytes() == messages.mo_of(catalog)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 Versuche"), (1, "1 Versuch"), (2, "2 Versuche"), (11, "11 Versuche")],
)
def test_german__plurals(count: int, expected: str) -> None:
    with translation.override("de"):
        text = translation.ngettext("%(count)d attempt", "%(count)d attempts", count)
    assert text % {"count": count} == expected


@pytest.mark.parametrize(
    ("provider", "reason"),
    [("kinde", "unknown_kid"), ("billabear", "secret"), ("kinde", "internal_error")],
)
def test_advice__is_in_the_language_of_who_reads_it(provider: str, reason: str) -> None:
    english = get_provider(provider).advice_on(reason)
    with translation.override("de"):
        german = get_provider(provider).advice_on(reason)
    assert english
    assert german not in {"", english}


@pytest.mark.django_db
class TestGerman:
    @pytest.fixture(autouse=True)
    def ada(self, post_kinde: PostKinde) -> Customer:
        plan = {"code": "pro", "name": "Pro"}
        post_kinde(
            "customer.agreement_created",
            {"customer_id": "ada", "agreement_id": "agreement_1", "plan": plan},
        )
        return Customer.objects.get()

    def test_explanation(self, ada: Customer) -> None:
        with translation.override("de"):
            told = [line.strip() for line in str(explain(ada, "pro")).splitlines()]
        assert told[:2] == ["Ja: ada darf pro nutzen.", "Es ist aktiv."]
        assert any(line.startswith("Vertrag: begonnen  <- ") for line in told)

    def test_timeline(self, ada: Customer) -> None:
        with translation.override("de"):
            event, *_, subscription = (item.text for item in ada.timeline())
        assert event.startswith("customer.agreement_created von kinde: angewendet (")
        assert event.endswith("signiert)")
        assert subscription.startswith("Abonnement agreement_1 (neu): ")
        assert "Status: aktiv" in subscription

    def test_refused_replay(self, ada: Customer) -> None:
        WebhookEvent.objects.update(attempt_began_at="2026-03-02T12:00Z")
        with translation.override("de"):
            replayed = replay(WebhookEvent.objects.all())
        assert replayed.refused == {"Es wird gerade verarbeitet.": 1}
