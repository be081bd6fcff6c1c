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


class Service(models.TextChoices):
    """What the example project needs and does not run itself."""

    MAIL = "mail", "the mail server"


class Outage(models.Model):
    """Whether a service is down, which you decide: the receivers that need it then fail."""

    service = models.CharField(max_length=20, choices=Service, unique=True)
    is_down = models.BooleanField("is down", default=True)

    def __str__(self) -> str:
        return f"{self.get_service_display()} {'is down' if self.is_down else 'works'}"


class Mail(models.Model):
    """A mail that a receiver has sent, or would have: nothing leaves this machine."""

    to = models.CharField(max_length=300)
    subject = models.CharField(max_length=300)
    event = models.ForeignKey(
        "billing_webhooks.WebhookEvent",
        on_delete=models.SET_NULL,
        null=True,
        related_name="mails",
    )
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.subject}, to {self.to}"
