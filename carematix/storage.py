"""Static files: which of the installed packages' files are served, and under which names."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig as DjangoStaticFilesConfig
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesConfig(DjangoStaticFilesConfig):
    """Leave out the thousands of icon files that no page of ours asks for."""

    ignore_patterns = [
        *DjangoStaticFilesConfig.ignore_patterns,
        "fontawesomefree/js",
        "js-packages",
        "svgs",
        "metadata",
        "sprites",
        "less",
        "scss",
        "otfs",
        "assetTemplates",
        "*.map",
    ]


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """
    Give each file a name that changes with its content, also where JavaScript modules import each other.

    References to source maps are left alone: the maps are not served (`StaticFilesConfig`).
    """

    support_js_module_import_aggregation = True

    patterns = tuple(
        (glob, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Keep the list of all files beside those that are served: nobody outside needs it (S77)."""
        beside = FileSystemStorage(location=Path(settings.STATIC_ROOT).parent)
        super().__init__(*args, manifest_storage=beside, **kwargs)
