import os

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    name = "tests.chaos.project"
    label = "chaos"

    def ready(self) -> None:
        # The harness, which has no such package, works events off without being told of them.
        if "CHAOS_PACKAGE" in os.environ:
            from tests.chaos.project import receivers  # noqa: F401
