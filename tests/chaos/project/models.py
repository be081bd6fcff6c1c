"""What the receivers leave behind."""

from __future__ import annotations

from django.db import models


class Call(models.Model):
    """
    One call of a receiver.

    Nothing in it is unique: a call that is repeated must be seen, not refused.
    """

    event_id = models.UUIDField()
    signal = models.CharField(max_length=100)
    subject = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return f"{self.signal} of {self.event_id}"


class Tally(models.Model):
    """How many events of a mailbox were told of, counted in the way that loses some in a race."""

    mailbox = models.CharField(max_length=200, primary_key=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.mailbox}: {self.count}"
