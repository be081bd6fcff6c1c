from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("metrics/", include("billing_webhooks.metrics.urls")),
    path("webhooks/", include("billing_webhooks.urls")),
    path("billing/", include("billing_webhooks.api.urls")),
]
