"""What gunicorn serves: as in a project that wakes its workers by Celery, the app is known."""

from django.core.wsgi import get_wsgi_application

from benchmarks.celery_app import app as celery_app

__all__ = ["application", "celery_app"]

application = get_wsgi_application()
