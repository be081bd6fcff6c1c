"""Tables of a project that uses the app."""

from django.db import models


class Tally(models.Model):
    """What a receiver counts: a run that is lost or repeated shows in it."""

    name = models.CharField(max_length=50, unique=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"


class Note(models.Model):
    """A row of the project that belongs to a customer, by a relation without reverse name."""

    customer = models.ForeignKey(
        "billing_webhooks.Customer", on_delete=models.CASCADE, related_name="+"
    )
    text = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.text


class Call(models.Model):
    """One call of a receiver, committed with it: nothing here is unique, so a second one shows."""

    event = models.UUIDField()
    signal = models.CharField(max_length=100)
    receiver = models.CharField(max_length=50)

    def __str__(self) -> str:
        return f"{self.receiver} ({self.signal})"
