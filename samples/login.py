"""How people come into the labelling app, by the study file's [login] block."""

import ipaddress
import re
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CALLBACK = "/oauth2callback"  # where an organisation sends people back to
# Kinds of events that no export takes along and no import brings in: who signed in and when is
# nobody else's business, and a session from outside would be a way in.
SESSION, SESSION_ENDED = "session", "session ended"
FAILED, WORD_USED = "failed sign-in", "organisation's word used"
AT_HOME = frozenset({SESSION, SESSION_ENDED, FAILED, WORD_USED})


class LoginBlock(BaseModel):
    """How people come in; all of it may be left out, and then they use links and passwords."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: str | None = None  # where people reach the app, when that is not this machine
    session_hours: float = Field(default=12, gt=0, le=720, allow_inf_nan=False)
    metadata_url: str | None = None  # an OpenID Connect provider's …/.well-known/openid-…
    client_id: str | None = Field(default=None, min_length=1)
    client_secret_env: str | None = None  # the name of an environment variable
    redirect_uri: str | None = None  # left out: public_url and /oauth2callback

    @field_validator("public_url", "metadata_url", "redirect_uri")
    @classmethod
    def _web_address(cls, address: str | None) -> str | None:
        return None if address is None else web_address(address)

    @field_validator("client_secret_env")
    @classmethod
    def _a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch("[A-Z_][A-Z0-9_]*", name):
            raise ValueError(
                "client_secret_env takes the name of an environment variable, in capitals; keys"
                " stand in no file"
            )
        return name

    @model_validator(mode="after")
    def _whole(self) -> "LoginBlock":
        keys = ("metadata_url", "client_id", "client_secret_env")
        missing = [key for key in keys if getattr(self, key) is None]
        if self.redirect_uri is None and self.public_url is None:
            missing.append("redirect_uri")
        wanted = [key for key in (*keys, "redirect_uri") if getattr(self, key) is not None]
        if wanted and missing:
            raise ValueError(f"{wanted[0]} wants {', '.join(missing)} beside it")
        if self.redirect_uri and not self.redirect_uri.endswith(CALLBACK):
            raise ValueError(f"redirect_uri ends in {CALLBACK}, which is where the app listens")
        if self.redirect_uri and self.public_url not in (None, self.public):
            raise ValueError(
                f"redirect_uri is not public_url and {CALLBACK}; leave one of them out"
            )
        return self

    @property
    def organisation(self) -> bool:
        """Whether people can sign in with their organisation."""
        return self.metadata_url is not None

    @property
    def public(self) -> str | None:
        """Where people reach the app, by whichever of the two addresses is given."""
        return self.redirect_uri.removesuffix(CALLBACK) if self.redirect_uri else self.public_url


def web_address(address: str) -> str:
    """An address without its last slash; https, but on this machine. ValueError otherwise."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{address!r} is no web address; write it as https://host/path")
    if not re.fullmatch(r"[\w.~/%:\[\]-]+", address):
        raise ValueError(f"{address!r} holds a character that no address has; write it anew")
    if parts.scheme != "https" and not (parts.scheme == "http" and _here(host)):
        raise ValueError(f"{address!r} is not encrypted; only this machine is reached by http")
    return address.rstrip("/")


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
