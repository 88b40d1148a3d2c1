"""The project as an app of its own: it brings the system checks."""

from django.apps import AppConfig


class CarematixConfig(AppConfig):
    name = "carematix"

    def ready(self) -> None:
        """Register the checks, which need the models of all apps."""
        from carematix import checks  # noqa: F401
