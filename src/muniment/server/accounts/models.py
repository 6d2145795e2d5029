"""People, and what the database keeps about attempts to be one of them.

An account belongs to the installation; what it may do in a tenant is a membership there.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from muniment.server.tenants.identifiers import new_id


def user_id() -> str:
    """`usr_…`: how the ledger names a person."""
    return new_id("usr")


class UserManager(BaseUserManager["User"]):
    """Makes accounts."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An account; without a password nobody can sign in with one."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Addresses are compared without case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person's account. The ledger knows `id` alone; name and address are resolved when they are shown."""

    id = models.CharField(primary_key=True, max_length=30, default=user_id, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=128, blank=True)
    is_active = models.BooleanField(default=True)
    sign_ins = models.PositiveIntegerField(default=0)
    theme = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        """Database facts."""

        db_table = "accounts_user"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_lower")
        ]

    @property
    def subject(self) -> str:
        """As the ledger names the person: `user:usr_…`."""
        return f"user:{self.id}"

    def __str__(self) -> str:
        return self.name or self.email


class Throttle(models.Model):
    """Failed attempts under one name: an address, an account, a link. The name is stored as a keyed hash only."""

    key = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    # Until then every further attempt is refused, right or wrong.
    until = models.DateTimeField()
    touched_at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "accounts_throttle"


class RecoveryLink(models.Model):
    """A link that the operator made for somebody who lost every second factor; used once, kept as its SHA-256."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Database facts."""

        db_table = "accounts_recovery"
