"""Users who sign in by e-mail address."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.CharField(max_length=100, unique=True)

    objects = BaseUserManager["Person"]()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email
