from importlib.util import find_spec

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    # /webhooks/kinde and /webhooks/billabear, with and without a slash at the end.
    path("webhooks/", include("billing_webhooks.urls")),
    # For probes: /health/live, /health/ready, /health/well.
    path("health/", include("billing_webhooks.health_urls")),
    path("admin/", admin.site.urls),
    path("", login_not_required(RedirectView.as_view(pattern_name="admin:index"))),
]
if find_spec("rest_framework"):
    # With the extra `api`: /billing/v1/customers/ for staff, /billing/v1/me/… for each user.
    urlpatterns.append(path("billing/", include("billing_webhooks.api.urls")))
if apps.is_installed("billing_webhooks.metrics"):
    urlpatterns.append(path("metrics/", include("billing_webhooks.metrics.urls")))
