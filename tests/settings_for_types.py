"""The settings that the type checker reads: every app there is, also of example and chaos."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as TESTED_APPS

INSTALLED_APPS = [
    *TESTED_APPS,
    "example_project.journal",
    "tests.access.apart",
    "tests.chaos.project",
    "tests.people",
]
