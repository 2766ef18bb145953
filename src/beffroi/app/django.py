"""Django's settings, derived from ours. Nothing an installation decides is written here."""

from __future__ import annotations

import secrets
from pathlib import Path

from beffroi.foundation.database import database_url, django_database
from beffroi.foundation.errors import Unreachable
from beffroi.foundation.settings import settings

_ours = settings()
_package = Path(__file__).resolve().parent.parent


def _secret_key() -> str:
    file = _ours.secrets / "session.key"
    try:
        return file.read_text().strip()
    except OSError:
        return secrets.token_hex(32)  # a command before the first start: nothing signed with it outlives it


def _databases() -> dict[str, object]:
    try:
        return {"default": django_database(database_url())}
    except Unreachable:
        return {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "beffroi", "HOST": "/nonexistent"}}


DEBUG = False
SECRET_KEY = _secret_key()
DATABASES = _databases()
ALLOWED_HOSTS = [host.strip() for host in _ours.allowed_hosts.split(",")]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "csp",
    "beffroi.app.apps.JournalRoom",
    "beffroi.app.apps.PeopleRoom",
    "beffroi.app.apps.PlacesRoom",
    "beffroi.app.apps.TwinRoom",
    "beffroi.app.apps.AlarmsRoom",
    "beffroi.app.apps.CommandsRoom",
    "beffroi.app.apps.IncidentsRoom",
    "beffroi.app.apps.DispatchRoom",
    "beffroi.app.apps.ProceduresRoom",
    "beffroi.app.apps.Console",
]
MIDDLEWARE = [
    "beffroi.app.tls.SecureCookies",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]
ROOT_URLCONF = "beffroi.app.routes"
WSGI_APPLICATION = "beffroi.app.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
AUTH_USER_MODEL = "people.Person"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_NAME = "beffroi_session"
SESSION_COOKIE_AGE = 12 * 3600 + 1800  # a shift and its handover
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = "beffroi_csrf"
LANGUAGE_CODE = _ours.language
LANGUAGES = [("fr", "Français"), ("en", "English"), ("pt-br", "Português (Brasil)")]
LOCALE_PATHS = [_package / "console" / "locale"]
TIME_ZONE = _ours.timezone
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = _ours.data.absolute() / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # `front` writes it, and drops what a client wrote
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING_CONFIG = None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],  # MapLibre positions its controls with style attributes
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
