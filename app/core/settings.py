"""The one typed settings object: the environment, read and checked at start."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.core.errors import StartError

PREFIX = "ANYGPT_"


class Settings(BaseSettings):
    """Every `ANYGPT_…` variable; each also reads from a file named by the variable with `_FILE` behind it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    data_dir: Path = Field(Path("data"), description="the folder that holds everything AnyGPT keeps")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="a port from 1 to 65535 (0: any free one)")
    base_url: str = Field(
        "", description="the public address, such as https://ai.example.org; https makes cookies Secure"
    )
    trusted_proxies: str = Field(
        "", description="networks whose forwarded addresses count, such as 10.0.0.0/8,127.0.0.1/32"
    )
    cors_origins: str = Field(
        "",
        description="origins that browsers may call the gateway from, such as https://app.example.org, or *",
    )
    timezone: str = Field("UTC", description="a time zone of the IANA database, such as Europe/Berlin")
    secret_key: SecretStr | None = Field(None, description="the master key: base64 of 32 bytes")
    admin_email: str = Field("", description="with ANYGPT_ADMIN_PASSWORD makes the owner account where there is none")
    admin_password: SecretStr | None = Field(None, description="at least 8 characters")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    log_format: Literal["text", "json"] = Field("text", description="text or json")
    enable_openai_routes: bool = Field(True, description="true or false")
    enable_anthropic_routes: bool = Field(True, description="true or false")
    enable_gemini_routes: bool = Field(True, description="true or false")
    enable_groq_routes: bool = Field(True, description="true or false")
    enable_models_routes: bool = Field(True, description="true or false")
    enable_admin_routes: bool = Field(True, description="true or false")
    enable_ui_routes: bool = Field(True, description="true or false")
    retention_days: int = Field(30, ge=1, le=3650, description="days that stored responses are kept, from 1 to 3650")
    block_private_networks: bool = Field(False, description="true or false: refuse providers in private networks")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("unknown zone") from None
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("not an address")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for part in split_list(value):
            ipaddress.ip_network(part, strict=False)
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                decoded = base64.b64decode(value.get_secret_value(), validate=True)
            except binascii.Error:
                raise ValueError("not base64") from None
            if len(decoded) != 32:
                raise ValueError("not 32 bytes")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def proxy_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        return tuple(ipaddress.ip_network(part, strict=False) for part in split_list(self.trusted_proxies))

    @property
    def origins(self) -> tuple[str, ...]:
        return tuple(split_list(self.cors_origins))


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises StartError naming the variable and what it accepts."""
    try:
        values: dict[str, Any] = _from_files() | {name: value for name, value in overrides.items() if value is not None}
        return Settings(**values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        accepted = Settings.model_fields[name].description if name in Settings.model_fields else ""
        given = "" if name in ("secret_key", "admin_password") else f' is "{_given(name, overrides)}", which'
        raise StartError(
            f"{PREFIX}{name.upper()}{given} is not valid: it takes {accepted}.".replace(
                "which is not valid: it takes", "but it takes"
            )
        ) from None


def read_variable(name: str) -> str | None:
    """An environment variable, or the content of the file that `NAME_FILE` names."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise StartError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
    return os.environ.get(name) or None


def split_list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _from_files() -> dict[str, Any]:
    """Variables given as files. Empty variables count as not set."""
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = f"{PREFIX}{name.upper()}"
        if os.environ.get(f"{variable}_FILE"):
            values[name] = read_variable(variable) or ""
        elif os.environ.get(variable) == "":
            values[name] = ""
    return {
        name: value
        for name, value in values.items()
        if value or name in ("base_url", "trusted_proxies", "cors_origins", "admin_email")
    }


def _given(name: str, overrides: dict[str, Any]) -> str:
    value = overrides.get(name)
    return str(value if value is not None else read_variable(f"{PREFIX}{name.upper()}") or "")
