"""The example project's URLs, and the sweep that cron would run, at a moment that is set."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from billing_webhooks.refusals import ledger
from billing_webhooks.sweeping import sweep
from example_project.urls import urlpatterns as urls_of_the_project


@csrf_exempt
@login_not_required
def sweep_now(request: HttpRequest) -> HttpResponse:
    """Try some of what is due, and write the refusals that a thread would write later."""
    worked = sweep(limit=int(request.GET["limit"]))
    ledger.write()
    return HttpResponse(str(worked))


urlpatterns = [path("demonstration/sweep/", sweep_now), *urls_of_the_project]
