from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("webhooks/", include("billing_webhooks.urls")),
    path("billing/", include("billing_webhooks.api.urls")),
    path("health/", include("billing_webhooks.health_urls")),
    path("metrics/", include("billing_webhooks.metrics.urls")),
]
