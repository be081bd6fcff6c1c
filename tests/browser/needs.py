"""What a test with a browser needs, and a clear word where it is not there."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = {"playwright": "playwright", "axe_playwright_python": "axe-playwright-python"}


def chromium() -> str | None:
    """Return the path of the browser that is installed here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def needs_browser() -> None:
    """Skip a module where there is no browser, or nothing to steer it by."""
    missing = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if chromium() is None:
        missing.append("chromium (of Debian, for example)")
    if missing:
        pytest.skip(f"No browser test here: {', '.join(missing)} missing.", allow_module_level=True)
