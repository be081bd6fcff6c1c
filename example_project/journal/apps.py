from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "example_project.journal"

    def ready(self) -> None:
        # Django connects receivers by the import of their module.
        from example_project.journal import receivers  # noqa: F401
