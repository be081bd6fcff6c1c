from django.urls import include, path

urlpatterns = [path("health/", include("billing_webhooks.health_urls"))]
