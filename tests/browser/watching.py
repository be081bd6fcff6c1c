"""A page whose every complaint is remembered, and what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TELL_OF_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
    "Violated: " + event.effectiveDirective + " " + event.blockedURI + " " + event.sample
));
"""
# What every page of Django's own has, too: links between the breadcrumbs, and a magnifying glass
# for a label, which is too little where the search has a help text.
OF_DJANGO = {("link-in-text-block", ".breadcrumbs"), ("label-title-only", "#searchbar")}


def watch(page: Page) -> list[str]:
    """Return a list to which everything is added that the page complains of."""
    complaints: list[str] = []

    def hear(message: Any) -> None:
        where = message.location.get("url", "")
        # A browser asks for one by itself.
        if message.type == "error" and not where.endswith("/favicon.ico"):
            complaints.append(f"{page.url}: {message.text} {where}")

    page.add_init_script(TELL_OF_VIOLATIONS)
    page.on("console", hear)
    page.on("dialog", lambda dialog: complaints.append(f"{page.url}: {dialog.message}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return complaints


def faults(page: Page, *rules: str) -> list[str]:
    """
    Return the serious and critical faults that axe-core finds on a page, by all its rules or these.

    Those that Django's own pages have as well are left out.
    It needs a page that was opened with `bypass_csp`: axe makes style elements of its own.
    """
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in violations
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
        if not any(
            each["id"] == rule and node["target"][0].startswith(place) for rule, place in OF_DJANGO
        )
    ]


def is_wider_than_screen(page: Page) -> bool:
    """Return whether the page scrolls to the side."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


def follow(link: Locator) -> None:
    """Click, and wait until the next page is there with its styles."""
    with link.page.expect_navigation(wait_until="load"):
        link.click()
