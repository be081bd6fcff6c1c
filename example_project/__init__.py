import os

# Imported with the project, so that the web processes know it as well as the workers.
if os.environ.get("CELERY_BROKER_URL"):
    from example_project.celery import app as celery_app

    __all__ = ["celery_app"]
