"""What has to be said before something is done with rows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing_webhooks.replaying import receiver_names


class ConfirmForm(forms.Form):
    """
    Which rows it is for, and the key of the job that comes of it.

    The key is made with the page, so a button that is pressed twice asks once.
    """

    job = forms.UUIDField(widget=forms.HiddenInput)
    keys = forms.CharField(widget=forms.HiddenInput)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the action is told besides, once the form is valid."""
        return {}


class ReceiverForm(ConfirmForm):
    """Of which receiver, and whether also where it has succeeded."""

    receiver = forms.ChoiceField(label=_("Receiver"))
    again = forms.BooleanField(
        label=_("Also where it has succeeded"),
        help_text=_("It then does once more what it has done."),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, name) for name in sorted(receiver_names())]
        self.fields["receiver"].choices = choices  # type: ignore[attr-defined]

    @property
    def arguments(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("receiver", "again")}


class EraseForm(ConfirmForm):
    """A word to be typed, because nothing brings back what is erased."""

    WORD = "erase"

    typed = forms.CharField(
        label=_("Type “erase” to go on"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 10}),
    )

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip().lower() != self.WORD:
            raise ValidationError(_("Type the word “erase”."))
        return typed
