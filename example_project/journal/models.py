"""What the example project's receivers write down."""

from django.db import models


class Notice(models.Model):
    """One line about one signal that a receiver was sent."""

    signal = models.CharField(max_length=100)
    text = models.CharField(max_length=300)
    customer = models.ForeignKey(
        "billing_webhooks.Customer",
        on_delete=models.SET_NULL,
        null=True,
        related_name="notices",
    )
    event = models.ForeignKey(
        "billing_webhooks.WebhookEvent",
        on_delete=models.SET_NULL,
        null=True,
        related_name="notices",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text
