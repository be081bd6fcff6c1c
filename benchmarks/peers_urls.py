from django.urls import include, path

from benchmarks.urls import urlpatterns as usual

urlpatterns = [*usual, path("stripe/", include("djstripe.urls", namespace="djstripe"))]
