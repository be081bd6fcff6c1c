from django.urls import include, path

urlpatterns = [path("webhooks/", include("billing_webhooks.urls"))]
