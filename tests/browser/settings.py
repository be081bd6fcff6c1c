"""The example project as the browser meets it: under a strict policy."""

from example_project.settings import *  # noqa: F403
from example_project.settings import MIDDLEWARE

MIDDLEWARE = ["tests.browser.csp.strict", *MIDDLEWARE]
