"""The API alone, so that these tests do not wait for the console."""

from beffroi.api.routes import urlpatterns

__all__ = ["urlpatterns"]
