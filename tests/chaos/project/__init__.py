"""The project that the chaos is let loose on: it counts what it is told."""

from tests.chaos.project.celery_app import app as celery_app

__all__ = ["celery_app"]
