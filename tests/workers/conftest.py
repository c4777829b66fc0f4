"""What tests of the workers share with those of the write side."""

from tests.commands.conftest import committer, tenant

__all__ = ["committer", "tenant"]
