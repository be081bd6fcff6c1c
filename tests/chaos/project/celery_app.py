import os

from celery import Celery

from billing_webhooks.schedule import BEAT_SCHEDULE

app = Celery("chaos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {**BEAT_SCHEDULE}
if "CHAOS_SWEEP_SECONDS" in os.environ:
    app.conf.beat_schedule["billing_webhooks.sweep"] = {
        **BEAT_SCHEDULE["billing_webhooks.sweep"],
        "schedule": float(os.environ["CHAOS_SWEEP_SECONDS"]),
    }
app.autodiscover_tasks()
