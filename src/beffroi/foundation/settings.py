"""Settings: from the environment (`BEFFROI_…`), else from `beffroi.toml` in the working folder, else the default.

Every field is described in docs/reference/settings.md; a test compares the two.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from beffroi.foundation.errors import Misconfigured


class Settings(BaseSettings):
    """What an installation decides. Units are in the names."""

    model_config = SettingsConfigDict(env_prefix="BEFFROI_", extra="ignore", toml_file="beffroi.toml")

    data: Path = Field(Path("var"), description="Folder of everything the post keeps: engines, secrets, logs.")
    http_host: str = Field("127.0.0.1", description="Address on which the console and the API are served.")
    http_port: int = Field(8000, ge=1, le=65535, description="Port of the console and the API.")
    mqtt_host: str = Field("127.0.0.1", description="Address on which gateways publish.")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="Port on which gateways publish (MQTT 3.1.1).")
    database_url: str | None = Field(None, description="An own PostgreSQL (15 or later) instead of the embedded one.")
    database_owner_url: str | None = Field(
        None, description="The same database under the role that owns its tables: for `prepare` alone."
    )
    nats_url: str | None = Field(None, description="An own NATS with JetStream instead of the embedded one.")
    city: str = Field("dijon", description="Profile of the simulated city.")
    city_seed: int = Field(21231, description="Seed of the simulated city: same seed, same streets.")
    crs: str = Field("EPSG:2154", description="Projected reference system, in metres, in which distances are taken.")
    timezone: str = Field("Europe/Paris", description="Time zone in which people read the clock.")
    language: Literal["fr", "en", "pt-br"] = Field(
        "fr", description="Language of the interface before a person chooses."
    )
    allowed_hosts: str = Field("127.0.0.1,localhost,[::1]", description="Host names under which the post is reached.")
    sync_interval: str = Field(
        "always",
        pattern=r"^(always|\d+(ms|s))$",
        description="When the field bus flushes to disk: `always` or a delay.",
    )
    bus_max_gb: int = Field(16, ge=5, le=100_000, description="Most that the embedded field bus keeps, in gigabytes.")
    engines: int = Field(1, ge=1, le=16, description="Number of engine processes started on this machine.")
    partitions: int = Field(
        64, ge=1, le=256, description="Partitions of the readings path; set once, before first start."
    )
    history_days: int = Field(30, ge=1, description="Days for which readings are kept in PostgreSQL.")
    quarantine_days: int = Field(30, ge=1, description="Days for which unreadable frames are kept.")
    journal_keys: Path | None = Field(
        None, description="Folder of the master keys of content about persons; default: beside the other secrets."
    )
    seals: Path | None = Field(
        None, description="Folder of the seals kept outside the database; default: `seals` of the data folder."
    )
    quarantine_max_rows: int = Field(500_000, ge=1_000, description="Most unreadable frames that are kept.")
    quarantine_max_mb: int = Field(2_000, ge=10, description="Most that unreadable frames take, in megabytes.")
    smtp_host: str | None = Field(
        None, description="Mail server by which procedures write to bodies and people outside."
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the talk with the mail server is encrypted; `none` on the post's own machine only."
    )
    smtp_user: str | None = Field(None, description="Account at the mail server, where it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="Password of that account.")
    smtp_from: str = Field("post@localhost", description="Address from which letters are sent.")
    smtp_ca: Path | None = Field(
        None, description="Certificate authority of the mail server, where it is the city's own."
    )
    crew_phone: str = Field(
        "112", pattern=r"^\+?[0-9 ]{2,20}$", description="Number that crews call when their distress cannot be sent."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file before defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def bus_max_bytes(self) -> int | None:
        """Most bytes that the embedded bus keeps; None for a bus of one's own, which has a bound of its own."""
        return None if self.nats_url is not None else int(self.bus_max_gb * 1e9)

    @property
    def run(self) -> Path:
        """Folder of what only lives while the post runs: addresses, sockets, process numbers."""
        return self.data.absolute() / "run"

    @property
    def secrets(self) -> Path:
        """Folder of the secrets made at first start; readable by the post's user alone."""
        return self.data.absolute() / "secrets"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings, read once. Raises Misconfigured naming each wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"BEFFROI_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise Misconfigured(f"settings that cannot be used: {wrong}") from error


def runtime_address(name: str) -> str | None:
    """Return the address that the running post wrote for one of its parts (`nats`, `web`, `live`), or None."""
    try:
        return (settings().run / f"{name}.address").read_text().strip() or None
    except OSError:
        return None


def publish_address(name: str, address: str) -> None:
    """Write the address of a part for the other processes of this post, readable by this user alone."""
    folder = settings().run
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(address)
    draft.replace(folder / f"{name}.address")
