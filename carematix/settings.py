"""
All settings of the project, from the environment or `.env`.

`carematix.env` is the only reader of the environment; `.env.example` lists every variable.
"""

import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from carematix.env import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")
env = Environment(os.environ)

# ---- The process ------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
PRODUCTION = not DEBUG  # as the environment says; test tools switch DEBUG alone
SECRET_KEY = env.secret("SECRET_KEY") or (secrets.token_urlsafe(50) if DEBUG else "")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
# What the database keeps sealed opens in every process, also where SECRET_KEY is made up at each start.
SEALING_SECRETS = [env.secret("SECRET_KEY") or "development", *SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS") or (["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
PUBLIC_BASE_URL = env.url(
    "PUBLIC_BASE_URL", ("https", "http"), "http://127.0.0.1:8000" if DEBUG else ""
)
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0 if DEBUG else 1, most=10)
LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOG_FORMAT = env.choice("LOG_FORMAT", ("json", "console"), "console" if DEBUG else "json")

# ---- The clinic -------------------------------------------------------------------------------
CLINIC_NAME = env.text("CLINIC_NAME", "Carematix")
CLINIC_TIME_ZONE = env.zone("CLINIC_TIME_ZONE", "America/New_York")
CLINIC_PHONE = env.phone("CLINIC_PHONE")
STAFF_TRANSFER_NUMBER = env.phone("STAFF_TRANSFER_NUMBER")
CAREMATIX_NOW = env.instant("CAREMATIX_NOW")
if CAREMATIX_NOW and not DEBUG:
    raise ImproperlyConfigured("CAREMATIX_NOW may be set only with DEBUG=1.")

# ---- Twilio -----------------------------------------------------------------------------------
TWILIO_ACCOUNT_SID = env.identifier("TWILIO_ACCOUNT_SID", pattern="AC[0-9A-Za-z]{32}")
TWILIO_AUTH_TOKEN = env.secret("TWILIO_AUTH_TOKEN")
TWILIO_AUTH_TOKEN_NEXT = env.secret("TWILIO_AUTH_TOKEN_NEXT")
TWILIO_PHONE_NUMBER = env.phone("TWILIO_PHONE_NUMBER")
TWILIO_MESSAGING_SERVICE_SID = env.identifier(
    "TWILIO_MESSAGING_SERVICE_SID", pattern="MG[0-9A-Za-z]{32}"
)
TWILIO_API_BASE_URL = env.url("TWILIO_API_BASE_URL", ("https", "http"), "https://api.twilio.com")

# ---- The assistant ----------------------------------------------------------------------------
OPENAI_API_KEY = env.secret("OPENAI_API_KEY")
OPENAI_REALTIME_URL = env.url(
    "OPENAI_REALTIME_URL", ("wss", "ws", "https", "http"), "wss://api.openai.com/v1/realtime"
)
OPENAI_REALTIME_MODEL = env.identifier("OPENAI_REALTIME_MODEL", "gpt-realtime-2.1")
OPENAI_REALTIME_AUTH = env.choice("OPENAI_REALTIME_AUTH", ("bearer", "api-key", "none"), "bearer")
OPENAI_REALTIME_VOICE = env.identifier("OPENAI_REALTIME_VOICE", "marin")
OPENAI_TRANSCRIPTION_MODEL = env.identifier("OPENAI_TRANSCRIPTION_MODEL", "gpt-transcribe")
OPENAI_BAA_IN_PLACE = env.flag("OPENAI_BAA_IN_PLACE")
ASSISTANT = env.choice(
    "ASSISTANT", ("openai", "standin"), "standin" if DEBUG and not OPENAI_API_KEY else "openai"
)
if ASSISTANT == "standin" and not DEBUG:
    raise ImproperlyConfigured("ASSISTANT must be a real one unless DEBUG=1.")

# ---- Limits of the security reference; each has its default there ------------------------------
MAX_CONCURRENT_CALLS = env.number("MAX_CONCURRENT_CALLS", 50, least=1)
LIMIT_CALLS_PER_NUMBER = env.number("LIMIT_CALLS_PER_NUMBER", 2, least=1)
LIMIT_STREAM_START_SECONDS = env.number("LIMIT_STREAM_START_SECONDS", 5, least=1)
LIMIT_STREAM_TOKEN_SECONDS = env.number("LIMIT_STREAM_TOKEN_SECONDS", 60, least=1)
LIMIT_STREAMS_WITHOUT_START = env.number("LIMIT_STREAMS_WITHOUT_START", 20, least=1)
LIMIT_FRAME_BYTES = env.number("LIMIT_FRAME_BYTES", 65_536, least=1024)
LIMIT_MEDIA_PAYLOAD_BYTES = env.number("LIMIT_MEDIA_PAYLOAD_BYTES", 8_192, least=216)
LIMIT_FRAMES_PER_SECOND = env.number("LIMIT_FRAMES_PER_SECOND", 100, least=1)
LIMIT_FRAME_BURST = env.number("LIMIT_FRAME_BURST", 300, least=1)
LIMIT_MALFORMED_FRAMES = env.number("LIMIT_MALFORMED_FRAMES", 10, least=1)
LIMIT_MODEL_GARBAGE_EVENTS = env.number("LIMIT_MODEL_GARBAGE_EVENTS", 20, least=1)
LIMIT_CALL_MINUTES = env.number("LIMIT_CALL_MINUTES", 30, least=1)
LIMIT_SILENCE_SECONDS = env.number("LIMIT_SILENCE_SECONDS", 8, least=1)
LIMIT_SILENCE_PROMPTS = env.number("LIMIT_SILENCE_PROMPTS", 2, least=1)
LIMIT_DTMF_DIGITS = env.number("LIMIT_DTMF_DIGITS", 32, least=1)
LIMIT_IDENTITY_ATTEMPTS_PER_CALL = env.number("LIMIT_IDENTITY_ATTEMPTS_PER_CALL", 3, least=1)
LIMIT_IDENTITY_ATTEMPTS_PER_NUMBER_DAY = env.number(
    "LIMIT_IDENTITY_ATTEMPTS_PER_NUMBER_DAY", 5, least=1
)
LIMIT_IDENTITY_ATTEMPTS_WITHHELD_DAY = env.number(
    "LIMIT_IDENTITY_ATTEMPTS_WITHHELD_DAY", 30, least=1
)
LIMIT_IDENTITY_ATTEMPTS_PER_PATIENT_DAY = env.number(
    "LIMIT_IDENTITY_ATTEMPTS_PER_PATIENT_DAY", 10, least=1
)
LIMIT_IDENTITY_ATTEMPTS_PER_HOUR = env.number("LIMIT_IDENTITY_ATTEMPTS_PER_HOUR", 100, least=1)
LIMIT_IDENTITY_ANSWER_MS = env.number("LIMIT_IDENTITY_ANSWER_MS", 400)
LIMIT_TOOL_CALLS = env.number("LIMIT_TOOL_CALLS", 40, least=1)
LIMIT_TOOL_WRITES = env.number("LIMIT_TOOL_WRITES", 6, least=1)
LIMIT_TOOL_SECONDS = env.number("LIMIT_TOOL_SECONDS", 6, least=1)
LIMIT_BOOKINGS_PER_CALL = env.number("LIMIT_BOOKINGS_PER_CALL", 2, least=1)
LIMIT_FUTURE_BOOKINGS = env.number("LIMIT_FUTURE_BOOKINGS", 3, least=1)
LIMIT_PROPOSAL_SECONDS = env.number("LIMIT_PROPOSAL_SECONDS", 120, least=1)
LIMIT_TEXT_CHARACTERS = env.number("LIMIT_TEXT_CHARACTERS", 500, least=1)
LIMIT_BOOKING_HORIZON_DAYS = env.number("LIMIT_BOOKING_HORIZON_DAYS", 180, least=1)
LIMIT_LOGIN_FAILURES_PER_ACCOUNT = env.number("LIMIT_LOGIN_FAILURES_PER_ACCOUNT", 5, least=1)
LIMIT_LOGIN_FAILURES_PER_ADDRESS_HOUR = env.number(
    "LIMIT_LOGIN_FAILURES_PER_ADDRESS_HOUR", 20, least=1
)
LIMIT_LOGIN_CODE_TRIES = env.number("LIMIT_LOGIN_CODE_TRIES", 5, least=1)
LIMIT_LOGIN_LOCK_MINUTES = env.number("LIMIT_LOGIN_LOCK_MINUTES", 15, least=1)
LIMIT_SESSION_IDLE_MINUTES = env.number("LIMIT_SESSION_IDLE_MINUTES", 15, least=1)
LIMIT_SESSION_WARNING_MINUTES = env.number("LIMIT_SESSION_WARNING_MINUTES", 13, least=1)
LIMIT_SESSION_HOURS = env.number("LIMIT_SESSION_HOURS", 12, least=1)
LIMIT_REAUTHENTICATION_MINUTES = env.number("LIMIT_REAUTHENTICATION_MINUTES", 10, least=1)
LIMIT_INVITATION_HOURS = env.number("LIMIT_INVITATION_HOURS", 72, least=1)
LIMIT_PASSWORD_RESET_MINUTES = env.number("LIMIT_PASSWORD_RESET_MINUTES", 60, least=1)
LIMIT_KEY_READS_PER_MINUTE = env.number("LIMIT_KEY_READS_PER_MINUTE", 120, least=1)
LIMIT_KEY_WRITES_PER_MINUTE = env.number("LIMIT_KEY_WRITES_PER_MINUTE", 30, least=1)
LIMIT_BAD_KEYS_PER_ADDRESS_HOUR = env.number("LIMIT_BAD_KEYS_PER_ADDRESS_HOUR", 20, least=1)
LIMIT_KEY_DAYS = env.number("LIMIT_KEY_DAYS", 365, least=1, most=365)
LIMIT_TRANSCRIPT_DAYS = env.number("LIMIT_TRANSCRIPT_DAYS", 730, least=1)
LIMIT_CALL_LOG_DAYS = env.number("LIMIT_CALL_LOG_DAYS", 2_192, least=1)
LIMIT_MESSAGE_DAYS = env.number("LIMIT_MESSAGE_DAYS", 730, least=1)
LIMIT_STAFF_TASK_DAYS = env.number("LIMIT_STAFF_TASK_DAYS", 730, least=1)
LIMIT_IMPORT_DAYS = env.number("LIMIT_IMPORT_DAYS", 90, least=1)
LIMIT_WEBHOOK_CONNECT_SECONDS = env.number("LIMIT_WEBHOOK_CONNECT_SECONDS", 3, least=1, most=20)
LIMIT_WEBHOOK_SECONDS = env.number("LIMIT_WEBHOOK_SECONDS", 10, least=1, most=20)
LIMIT_WEBHOOK_ANSWER_BYTES = env.number("LIMIT_WEBHOOK_ANSWER_BYTES", 65_536, least=1024)
LIMIT_WEBHOOK_TRIES = env.number("LIMIT_WEBHOOK_TRIES", 8, least=1)
LIMIT_WEBHOOK_QUEUE_MINUTES = env.number("LIMIT_WEBHOOK_QUEUE_MINUTES", 60, least=1)
LIMIT_WEBHOOK_DAYS = env.number("LIMIT_WEBHOOK_DAYS", 30, least=1)
LIMIT_BODY_BYTES = env.number("LIMIT_BODY_BYTES", 1_048_576, least=1024)
LIMIT_UPLOAD_BYTES = env.number("LIMIT_UPLOAD_BYTES", 5_308_416, least=1024)
LIMIT_BODY_SECONDS = env.number("LIMIT_BODY_SECONDS", 30, least=1)
LIMIT_HEADER_BYTES = env.number("LIMIT_HEADER_BYTES", 32_768, least=4096)
LIMIT_HEADER_SECONDS = env.number("LIMIT_HEADER_SECONDS", 15, least=1)
LIMIT_IMPORT_MEGABYTES = env.number("LIMIT_IMPORT_MEGABYTES", 5, least=1)
LIMIT_IMPORT_ROWS = env.number("LIMIT_IMPORT_ROWS", 10_000, least=1)

# ---- Outgoing webhooks ------------------------------------------------------------------------
WEBHOOK_PORTS = env.ports("WEBHOOK_PORTS")
WEBHOOK_LOCAL_HOSTS = env.hosts("WEBHOOK_LOCAL_HOSTS")
if WEBHOOK_LOCAL_HOSTS and not DEBUG:
    raise ImproperlyConfigured("WEBHOOK_LOCAL_HOSTS may be set only with DEBUG=1.")

# ---- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "carematix.storage.StaticFilesConfig",
    "channels",
    "corsheaders",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "fontawesomefree",
    "carematix",
    "accounts",
    "scheduling",
    "voice",
    "dashboard",
]
MIDDLEWARE = [
    "carematix.edge.EdgeMiddleware",  # first, so that nothing is answered without its headers
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.sign_in.middleware.SessionAgeMiddleware",
    "accounts.doors.SlashMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "carematix.unrecorded.UnrecordedMiddleware",
    "accounts.denials.DenialMiddleware",  # innermost: it sees what views refuse, and why
]
APPEND_SLASH = False  # accounts.doors does it, after it has asked who is there
ROOT_URLCONF = "carematix.urls"
ASGI_APPLICATION = "carematix.asgi.application"
WSGI_APPLICATION = "carematix.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.clinic",
                "accounts.sign_in.context.session_limits",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["carematix.formats"]

# ---- Storage ----------------------------------------------------------------------------------
DATABASE_URL = env.url(
    "DATABASE_URL", ("sqlite", "postgresql", "postgres"), f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
)
DATABASE_URL_GIVEN = bool(env.text("DATABASE_URL"))  # production falls back to no file (S73)
DATABASE_POOL_MIN = env.number("DATABASE_POOL_MIN", 2, most=500)
DATABASE_POOL_MAX = env.number("DATABASE_POOL_MAX", 20, least=1, most=500)
if DATABASE_POOL_MIN > DATABASE_POOL_MAX:
    raise ImproperlyConfigured("DATABASE_POOL_MIN must not exceed DATABASE_POOL_MAX.")
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE serialises writers, which takes the place of row locks (scheduling reference, section 5).
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
else:
    # Under ASGI a pool bounds the connections; CONN_MAX_AGE would leave one open per thread.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": DATABASE_POOL_MIN, "max_size": DATABASE_POOL_MAX, "timeout": 5}
    }

REDIS_URL = env.url("REDIS_URL", ("redis", "rediss", "unix"))
CHANNEL_LAYERS: dict[str, Any] = {
    "default": (
        {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

MEDIA_ROOT = env.folder("MEDIA_ROOT", BASE_DIR / "media")
RECORDING_KEYS = env.keys("RECORDING_KEYS")
AUDIT_KEYS = env.keys("AUDIT_KEYS")
if (
    DEBUG and not AUDIT_KEYS
):  # one for all processes of a developer's machine, also without a SECRET_KEY
    AUDIT_KEYS = {"development": sha256(b"audit" + env.secret("SECRET_KEY").encode()).digest()}
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" / "served"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "carematix.storage.HashedStaticStorage"
    },
}

# ---- Mail -------------------------------------------------------------------------------------
globals().update(env.mail("EMAIL_URL"))
EMAIL_TIMEOUT = 15  # seconds; without it a silent mail server would be waited for without end
DEFAULT_FROM_EMAIL = env.mail_address("DEFAULT_FROM_EMAIL", "carematix@localhost")

# ---- Login ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # counts the try before the next one looks at the password
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "accounts.sign_in.handler.CountingHandler"
AXES_ENABLE_ADMIN = False  # the counters are ours, axes' own tables stay empty
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "accounts.sign_in.passwords.MaximumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.sign_in.passwords.ProductWordsValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = LIMIT_SESSION_HOURS * 3600  # seconds; the server ends idle ones before
PASSWORD_RESET_TIMEOUT = LIMIT_INVITATION_HOURS * 3600
ACCOUNT_ADAPTER = "accounts.adapters.StaffAccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "accounts.sign_in.forms.PasswordForm",
    "reset_password": "accounts.sign_in.forms.ResetForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True  # into the second factor, as after a password that was typed
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.sign_in.link_tokens.LinkTokens"
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": ""}  # counted in the database instead (S33)
ACCOUNT_SESSION_REMEMBER = False
MFA_FORMS = {"authenticate": "accounts.sign_in.forms.CodeForm"}
MFA_TOTP_ISSUER = "Carematix"

# ---- The API ----------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerKeyAuthentication",  # the first one, so a 401 asks for a key
        "accounts.authentication.SignedInAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api_policy.PolicyPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api_policy.BoundedJSONParser"],
    "DEFAULT_METADATA_CLASS": None,  # the schema describes the API, to whoever may read it
    "EXCEPTION_HANDLER": "carematix.api_errors.answer",
    "DEFAULT_SCHEMA_CLASS": "accounts.rest.schema.ApiSchema",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Carematix",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Patients, nurses, free times, visits and calls of the clinic.",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["carematix.schema.only_the_api"],
    "POSTPROCESSING_HOOKS": [
        "accounts.rest.links.linked",
        "accounts.rest.shared_parts.shared",
    ],  # closed lists of words stay where they are used
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# ---- Browser protections ----------------------------------------------------------------------
# The proxy speaks https and tells so; Twilio's addresses and the probes never redirect.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_SSL_REDIRECT = not DEBUG and TRUSTED_PROXY_COUNT > 0
SECURE_REDIRECT_EXEMPT = [r"^twilio/", r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Preloading binds a whole domain for good, which is for the clinic to decide, not for the product (S39).
# axes.W002 asks for a middleware that words a lockout; the login page does that itself.
# models.W040: SQLite leaves out the columns that PostgreSQL's index carries along, and needs none of them.
SILENCED_SYSTEM_CHECKS = ["security.W021", "axes.W002", "models.W040"]
SESSION_COOKIE_NAME = "sessionid" if DEBUG else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if DEBUG else "__Host-csrftoken"
THEME_COOKIE_NAME = "theme" if DEBUG else "__Host-theme"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "carematix.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # notes name patients
CORS_URLS_REGEX = r"^/(api|fhir)/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = [
    "accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "ETag", "Location", "Retry-After", "Idempotency-Replayed", "X-Request-ID", "Content-Disposition",
]  # fmt: skip
DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT_BODY_BYTES
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        # Older browsers do not count a socket as 'self'.
        "connect-src": [SELF, f"wss://{PUBLIC_BASE_URL.partition('://')[2]}"][
            : 1 + bool(PUBLIC_BASE_URL)
        ],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp-report/"],
    }
}

# ---- Logs -------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"default": {"()": "carematix.logs.Formatter", "style_name": LOG_FORMAT}},
    "handlers": {"default": {"class": "logging.StreamHandler", "formatter": "default"}},
    "root": {"handlers": ["default"], "level": "WARNING"},
    # Naming Django's own takes away its handlers, which print and mail messages with their values.
    "loggers": {"django": {"level": "WARNING"}, "django.server": {"level": "INFO"}}
    | {name: {"level": LOG_LEVEL} for name in ("carematix", "accounts", "scheduling", "voice")},
}
