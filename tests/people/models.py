"""Users by a key of another name and kind, and an e-mail address by another name."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    key = models.UUIDField(primary_key=True, default=uuid4)
    handle = models.CharField(max_length=50, unique=True)
    address = models.EmailField(blank=True)
    is_staff = True

    objects: ClassVar[Any] = BaseUserManager()

    USERNAME_FIELD = "handle"
    EMAIL_FIELD = "address"

    def __str__(self) -> str:
        return self.handle

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return True

    def has_module_perms(self, app_label: str) -> bool:
        return True
