"""
Picture the admin for the documentation.

    make screenshots

plays the demonstration into a database that is thrown away, serves it, and writes a picture of
each page to docs/screenshots.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.conftest import log_in
from tests.browser.needs import chromium
from tests.browser.site import copied, serving
from tests.browser.watching import follow
from tests.played import played

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
APP = "/admin/billing_webhooks/"
# The list of all models beside each page would be most of the picture.
WITHOUT_SIDEBAR = "localStorage.setItem('django.admin.navSidebarIsOpen', 'false')"
SCREEN = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}


def app_index(page: Page) -> None:
    page.goto(APP)


def overview(page: Page) -> None:
    app_index(page)
    follow(page.get_by_role("link", name="Overview").first)


def events(page: Page) -> None:
    page.goto(f"{APP}webhookevent/")


def event(page: Page) -> None:
    page.goto(f"{APP}webhookevent/?state__exact=pending")
    follow(page.locator("#result_list tbody th a").first)


def confirmation(page: Page) -> None:
    event(page)
    follow(page.get_by_role("link", name="Retry now").first)


def job(page: Page) -> None:
    event(page)
    follow(page.get_by_role("link", name="Preview a replay").first)
    follow(page.get_by_role("button", name="Preview a replay"))


def customer(page: Page) -> None:
    page.goto(f"{APP}customer/?provider=kinde&q=mira%40papermill.example")
    follow(page.get_by_role("link", name="mira@papermill.example").first)


# The name of each picture, the page, and by what it is looked at.
PICTURES: list[tuple[str, Callable[[Page], None], dict[str, Any]]] = [
    ("app-index", app_index, SCREEN),
    ("overview", overview, SCREEN),
    ("overview-dark", overview, SCREEN | {"color_scheme": "dark"}),
    ("overview-phone", overview, PHONE),
    ("events", events, {"viewport": {"width": 1280, "height": 700}}),
    ("event", event, SCREEN),
    ("confirmation", confirmation, SCREEN),
    ("job", job, SCREEN),
    ("customer", customer, SCREEN),
]


def main(names: list[str]) -> int:
    """Take the pictures of these names, or all; return the exit status."""
    if (path := chromium()) is None:
        print("There is no chromium here to take pictures with.", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    if played().status != 0:
        print(played().output, file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(copied(played().database, Path(folder))) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path)
        for name, show, options in PICTURES:
            if not names or name in names:
                _take(browser, address, name, show, options)
        browser.close()
    return 0


def _take(
    browser: Browser,
    address: str,
    name: str,
    show: Callable[[Page], None],
    options: dict[str, Any],
) -> None:
    with browser.new_context(base_url=address, reduced_motion="reduce", **options) as context:
        context.add_init_script(WITHOUT_SIDEBAR)
        page = context.new_page()
        log_in(page, address)
        show(page)
        picture = FOLDER / f"{name}.png"
        page.screenshot(path=picture)
    print(f"{picture.name}  {picture.stat().st_size // 1024} KB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
