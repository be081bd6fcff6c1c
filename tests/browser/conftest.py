"""A browser for the length of these tests, and sites to look at with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.needs import chromium
from tests.browser.site import copied, serving
from tests.played import played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

USER = PASSWORD = "demo"

Open = Callable[..., "Page"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """
    Debian's chromium.

    While it runs, this thread has an event loop, and Django lets nobody ask its database from
    there; so the sites are processes of their own, and nothing here asks a database.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site that nobody changes."""
    with serving(copied(played().database, tmp_path_factory.mktemp("site"))) as address:
        yield address


@pytest.fixture(scope="package")
def login(browser: Browser, shared_site: str) -> Any:
    """What a browser remembers of somebody who has logged in there."""
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, shared_site)
        return context.storage_state()


@pytest.fixture
def open_page(browser: Browser, shared_site: str, login: Any) -> Iterator[Open]:
    """Open pages of the shared site, logged in; whatever they complain of fails the test."""
    from tests.browser.watching import watch

    complaints: list[list[str]] = []
    contexts = []

    def open_page(path: str, **options: Any) -> Page:
        context = browser.new_context(base_url=shared_site, storage_state=login, **options)
        contexts.append(context)
        page = context.new_page()
        complaints.append(watch(page))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [each for heard in complaints for each in heard] == []


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page of a site of the test's own, logged in, on the admin's first page."""
    from tests.browser.watching import watch

    with (
        serving(copied(played().database, tmp_path)) as address,
        browser.new_context(base_url=address) as context,
    ):
        page = context.new_page()
        complaints = watch(page)
        log_in(page, address)
        yield page
    assert complaints == []


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Log in").click()
