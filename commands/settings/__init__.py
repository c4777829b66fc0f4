"""Every setting: an environment variable `TABELLION_<NAME>` or a line of `.env`.

Order: the environment, then the files named by `TABELLION_<SECRET>_FILE`, then
`.env` in the current directory, then the default.  An empty value means unset.
Pydantic only at the edges: this is one of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic.config import JsonDict
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from commands.settings.checks import (
    DatabaseUrl,
    Names,
    Port,
    durations,
    networks,
    origins,
    ports,
    redirect_origins,
    strong_key,
    strong_password,
    type_patterns,
    url,
)
from commands.settings.errors import SettingsError
from commands.settings.files import PREFIX, FilesNamedBy, kept_key

__all__ = ["PREFIX", "Settings", "SettingsError", "load_settings"]


def _unit(text: str) -> JsonDict:
    return {"unit": text}


class Settings(BaseSettings):
    """All settings of one process.  Use `load_settings`, which also checks them
    against each other and makes the secret key of an embedded installation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: DatabaseUrl | None = Field(
        None,
        repr=False,
        description="Postgres 15 or later, as the app role; unset: an embedded one",
        json_schema_extra=_unit("URL"),
    )
    owner_database_url: DatabaseUrl | None = Field(
        None,
        repr=False,
        description="The same database as the role that owns it, for migrations;"
        " unset: TABELLION_DATABASE_URL",
        json_schema_extra=_unit("URL"),
    )
    follower_database_url: DatabaseUrl | None = Field(
        None,
        repr=False,
        description="The same database as the role that only reads and follows;"
        " unset: TABELLION_DATABASE_URL",
        json_schema_extra=_unit("URL"),
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        Path("./.tabellion"),
        description="Where the embedded Postgres, the secret key and the content of"
        " uploaded files live; processes that share a database share it",
        json_schema_extra=_unit("folder"),
    )
    host: str = Field(
        "127.0.0.1",
        description="The address to listen on",
        json_schema_extra=_unit("address"),
    )
    port_pybase: Port = Field(
        8000,
        description="Port of PyBase and Table REST",
        json_schema_extra=_unit("port"),
    )
    port_querybase: Port = Field(
        8080, description="Port of QueryBase", json_schema_extra=_unit("port")
    )
    port_modelling: Port = Field(
        8081, description="Port of data modelling", json_schema_extra=_unit("port")
    )
    port_cms: Port = Field(
        3001, description="Port of the headless CMS", json_schema_extra=_unit("port")
    )
    single_port: bool = Field(
        False,
        description="on: every surface listens on PORT_PYBASE, below /pybase, /tables"
        " and /cms; off: each on its own port",
    )
    public_url: Annotated[str, url("http", "https")] | None = Field(
        None,
        description="How people reach this server, for links;"
        " unset: http://HOST:PORT_PYBASE",
        json_schema_extra=_unit("URL"),
    )
    public_cms_url: Annotated[str, url("http", "https")] | None = Field(
        None,
        description="How people reach the headless CMS; unset: http://HOST:PORT_CMS, or"
        " on a single port TABELLION_PUBLIC_URL/cms",
        json_schema_extra=_unit("URL"),
    )
    trusted_proxies: Annotated[Names, AfterValidator(networks)] = Field(
        (),
        description="Proxies whose X-Forwarded-* headers are believed",
        json_schema_extra=_unit("addresses or networks, parted by commas"),
    )
    cors_origins: Annotated[Names, AfterValidator(origins)] = Field(
        (),
        description="Web pages that may call from a browser; * is any of them",
        json_schema_extra=_unit("origins, parted by commas"),
    )
    environment: Literal["development", "production"] = Field(
        "development", description="What /health tells about this installation"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged"
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people or for machines"
    )
    secret_key: Annotated[SecretStr, AfterValidator(strong_key)] = Field(
        SecretStr(""),
        description="Signs tokens; unset: made once in the data directory when the"
        " Postgres is embedded, required otherwise",
        json_schema_extra=_unit("at least 32 characters"),
    )
    admin_email: str | None = Field(
        None,
        pattern=r"^[^@\s]+@[^@\s]+$",
        description="The first administrator, made at the first start",
        json_schema_extra=_unit("e-mail address"),
    )
    admin_password: Annotated[SecretStr, AfterValidator(strong_password)] | None = (
        Field(
            None,
            description="The first administrator's password",
            json_schema_extra=_unit("at least 8 characters"),
        )
    )
    access_token_minutes: int = Field(
        30,
        ge=1,
        description="How long an access token is good",
        json_schema_extra=_unit("minutes"),
    )
    refresh_token_days: int = Field(
        30,
        ge=1,
        description="How long a refresh token is good",
        json_schema_extra=_unit("days"),
    )
    cms_token_hours: int = Field(
        24,
        ge=1,
        le=24 * 365,
        description="How long a token of the headless CMS is good",
        json_schema_extra=_unit("hours"),
    )
    oauth_authorize_url: Annotated[str, url("http", "https")] | None = Field(
        None,
        description="Where the OAuth provider of the headless CMS signs people in;"
        " unset: there is none",
        json_schema_extra=_unit("URL"),
    )
    oauth_token_url: Annotated[str, url("http", "https")] | None = Field(
        None,
        description="Where the OAuth provider takes a code for a token",
        json_schema_extra=_unit("URL"),
    )
    oauth_user_url: Annotated[str, url("http", "https")] | None = Field(
        None,
        description="Where the OAuth provider tells who somebody is",
        json_schema_extra=_unit("URL"),
    )
    oauth_client_id: str | None = Field(
        None,
        description="Who this server is to the OAuth provider",
        json_schema_extra=_unit("text"),
    )
    oauth_client_secret: SecretStr | None = Field(
        None,
        description="The secret that goes with the client id; unset: PKCE alone",
        json_schema_extra=_unit("text"),
    )
    oauth_scopes: str = Field(
        "openid email profile",
        description="What the OAuth provider is asked for",
        json_schema_extra=_unit("scopes, parted by blanks"),
    )
    oauth_redirect_origins: Annotated[Names, AfterValidator(redirect_origins)] = Field(
        (),
        description="Web pages to which a sign-in by OAuth may lead back;"
        " http://localhost:* is any port of this machine",
        json_schema_extra=_unit("origins, parted by commas"),
    )
    rate_limits: bool = Field(
        True, description="on: the documented limits; off: none, for measurements"
    )
    max_body_bytes: int = Field(
        10 * 1024 * 1024,
        ge=1024,
        description="The largest request body",
        json_schema_extra=_unit("bytes"),
    )
    max_header_bytes: int = Field(
        64 * 1024,
        ge=4096,
        description="The largest headers of a request, together",
        json_schema_extra=_unit("bytes"),
    )
    max_json_depth: int = Field(
        64,
        ge=8,
        le=200,
        description="How deep arrays and objects of a body may stand in one another",
        json_schema_extra=_unit("levels"),
    )
    max_import_bytes: int = Field(
        100 * 1024 * 1024,
        ge=1024,
        description="The largest file that an import takes",
        json_schema_extra=_unit("bytes"),
    )
    max_file_bytes: int = Field(
        100 * 1024 * 1024,
        ge=1,
        description="The largest file that can be uploaded as an attachment",
        json_schema_extra=_unit("bytes"),
    )
    file_types: Annotated[Names, AfterValidator(type_patterns)] = Field(
        (),
        description="What may be uploaded as an attachment, such as"
        " image/*,application/pdf,.docx; unset: any type",
        json_schema_extra=_unit("content types or endings, parted by commas"),
    )
    batch_limit: int = Field(
        1000,
        ge=1,
        le=1000,
        description="The most records of one batch",
        json_schema_extra=_unit("records"),
    )
    tables_page_limit: int = Field(
        1000,
        ge=1,
        le=10_000,
        description="The most rows of one page of Table REST",
        json_schema_extra=_unit("rows"),
    )
    cms_sanitize: bool = Field(
        True,
        description="on: HTML of the CMS's public API has nothing in it that runs;"
        " off: it is as it was given",
    )
    committer_connections: int = Field(
        3,
        ge=1,
        le=32,
        description="Connections for writes: as many workspaces commit at once",
        json_schema_extra=_unit("connections"),
    )
    demanded_indexes: int = Field(
        6,
        ge=0,
        le=32,
        description="The most indexes that a table is given on demand; 0 makes none",
        json_schema_extra=_unit("indexes"),
    )
    queue_limit: int = Field(
        4096,
        ge=1,
        description="Writes that may wait in one process; one more is answered 503",
        json_schema_extra=_unit("writes"),
    )
    streams_limit: int = Field(
        4000,
        ge=1,
        description="Event streams and long polls that may be open in one process, half"
        " of them of one workspace; one more is answered 503, or 429",
        json_schema_extra=_unit("streams"),
    )
    streams_per_user: int = Field(
        100,
        ge=1,
        description="Event streams and long polls that one user may have open in one"
        " process; one more is answered 429",
        json_schema_extra=_unit("streams"),
    )
    serve_works: bool = Field(
        True,
        description="on: tabellion serve also does what follows a commit, such as"
        " webhooks and the relay to Kafka; off: only tabellion work does",
    )
    redis_url: Annotated[str, url("redis", "rediss", "unix")] | None = Field(
        None,
        repr=False,
        description="Redis or Valkey, for rate limits and tasks of several processes;"
        " unset: each process counts by itself",
        json_schema_extra=_unit("URL"),
    )
    kafka_bootstrap_servers: Names = Field(
        (),
        description="Kafka brokers; unset: events are not relayed",
        json_schema_extra=_unit("host:port, parted by commas"),
    )
    kafka_topic: str = Field(
        "tabellion.events",
        pattern=r"^[a-zA-Z0-9._-]{1,200}$",
        description="The topic of the events",
        json_schema_extra=_unit("name"),
    )
    kafka_topic_per_kind: bool = Field(
        False,
        description="on: a topic for each kind of thing, such as"
        " tabellion.events.record; off: one for all",
    )
    kafka_key: Literal["workspace", "stream"] = Field(
        "workspace",
        description="What keeps events in order: their workspace, or only the thing"
        " that changed, which spreads a busy workspace over the partitions",
    )
    kafka_partitions: int = Field(
        6,
        ge=1,
        le=10_000,
        description="How many a topic is made with",
        json_schema_extra=_unit("partitions"),
    )
    kafka_replication: int = Field(
        1,
        ge=1,
        le=32,
        description="How many brokers keep a topic that is made",
        json_schema_extra=_unit("brokers"),
    )
    kafka_retention_hours: int = Field(
        168,
        ge=0,
        description="How long a topic that is made keeps its messages; 0: for ever",
        json_schema_extra=_unit("hours"),
    )
    kafka_max_message_bytes: int = Field(
        900 * 1024,
        ge=4096,
        le=64 * 1024 * 1024,
        description="The largest message; of a larger event the data stay in the"
        " ledger, and the message carries their address",
        json_schema_extra=_unit("bytes"),
    )
    kafka_security_protocol: Literal[
        "plaintext", "ssl", "sasl_plaintext", "sasl_ssl"
    ] = Field("plaintext", description="How Kafka is spoken to")
    kafka_sasl_mechanism: Literal["plain", "scram-sha-256", "scram-sha-512"] = Field(
        "plain",
        description="How to sign in to Kafka, where its protocol is a sasl_ one",
    )
    kafka_username: str | None = Field(
        None,
        description="Who signs in to Kafka",
        json_schema_extra=_unit("name"),
    )
    kafka_password: SecretStr | None = Field(
        None,
        description="The password for Kafka",
        json_schema_extra=_unit("password"),
    )
    kafka_ca_file: Annotated[Path, AfterValidator(Path.expanduser)] | None = Field(
        None,
        description="Certificates that Kafka's is checked with; unset: the system's",
        json_schema_extra=_unit("file"),
    )
    outbound_allow: Annotated[Names, AfterValidator(networks)] = Field(
        (),
        description="Private networks that webhooks and automations may call",
        json_schema_extra=_unit("addresses or networks, parted by commas"),
    )
    outbound_ports: Annotated[Names, AfterValidator(ports)] = Field(
        ("80", "443"),
        description="Ports that webhooks and automations may call; * is any",
        json_schema_extra=_unit("ports, parted by commas"),
    )
    webhook_retries: Annotated[Names, AfterValidator(durations)] = Field(
        ("5", "300", "1800", "7200", "18000", "36000", "50400", "72000", "86400"),
        description="After how long a message to a webhook is sent again, each time"
        " that it failed; behind the last one it is given up",
        json_schema_extra=_unit("seconds, parted by commas"),
    )
    webhook_give_up_hours: int = Field(
        120,
        ge=1,
        description="A webhook to which nothing arrives for so long is turned off",
        json_schema_extra=_unit("hours"),
    )
    deliveries_days: int = Field(
        30,
        ge=1,
        description="How long it is kept what was sent to webhooks, and how that went",
        json_schema_extra=_unit("days"),
    )
    smtp_url: Annotated[str, url("smtp", "smtps")] | None = Field(
        None,
        repr=False,
        description="The mail server; unset: no mail is sent",
        json_schema_extra=_unit("URL"),
    )

    @property
    def base_url(self) -> str:
        """`public_url`, or what the PyBase port is reached by on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port_pybase}"

    def mount(self, surface: str) -> str:
        """What comes before all paths of a surface: of several ports nothing."""
        return f"/{surface}" if self.single_port else ""

    @property
    def pybase_url(self) -> str:
        """What PyBase's paths are appended to."""
        return self.base_url + self.mount("pybase")

    @property
    def cms_url(self) -> str:
        """`public_cms_url`, or what the CMS is reached by on this machine."""
        if self.public_cms_url is not None:
            return self.public_cms_url
        if self.single_port:
            return self.base_url + self.mount("cms")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port_cms}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            FilesNamedBy(settings_cls, env_settings),
            dotenv_settings,
            FilesNamedBy(settings_cls, dotenv_settings),
        )


def load_settings() -> Settings:
    """The settings of this process, checked; `secret_key` is always filled.

    Raises SettingsError with one line a problem.  The values themselves are never
    told, for they may be secrets.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_problems(error))) from None
    if (settings.admin_email is None) != (settings.admin_password is None):
        raise SettingsError(
            "TABELLION_ADMIN_EMAIL and TABELLION_ADMIN_PASSWORD go together"
        )
    if settings.database_url is None and (
        settings.owner_database_url or settings.follower_database_url
    ):
        raise SettingsError(
            "TABELLION_OWNER_DATABASE_URL and TABELLION_FOLLOWER_DATABASE_URL"
            " need TABELLION_DATABASE_URL"
        )
    _check_oauth(settings)
    _check_kafka(settings)
    if settings.secret_key.get_secret_value():
        return settings
    if settings.database_url is not None:
        raise SettingsError(
            "TABELLION_SECRET_KEY is required with TABELLION_DATABASE_URL:"
            " `openssl rand -hex 64` makes one"
        )
    return settings.model_copy(update={"secret_key": kept_key(settings.data_dir)})


def _check_kafka(settings: Settings) -> None:
    if settings.kafka_security_protocol.startswith("sasl_") and (
        settings.kafka_username is None or settings.kafka_password is None
    ):
        raise SettingsError(
            "TABELLION_KAFKA_SECURITY_PROTOCOL needs TABELLION_KAFKA_USERNAME and"
            " TABELLION_KAFKA_PASSWORD"
        )


def _check_oauth(settings: Settings) -> None:
    named = [
        settings.oauth_authorize_url,
        settings.oauth_token_url,
        settings.oauth_user_url,
        settings.oauth_client_id,
    ]
    if any(named) and not all(named):
        raise SettingsError(
            "TABELLION_OAUTH_AUTHORIZE_URL, _TOKEN_URL, _USER_URL and _CLIENT_ID go"
            " together"
        )


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        message = problem["msg"].removeprefix("Value error, ")
        name = str(problem["loc"][0]).upper() if problem["loc"] else ""
        yield f"{PREFIX}{name}: {message}"
