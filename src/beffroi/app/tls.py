"""What changes when people reach the post through TLS: cookies that never travel without it, and browsers that remember."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

REMEMBER_S = 30 * 86400


class SecureCookies:
    """Mark every cookie as secure where the request came through TLS. A post tried on its own machine has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on and mark what comes back."""
        response = self.get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
            response.headers.setdefault("Strict-Transport-Security", f"max-age={REMEMBER_S}")
        return response
