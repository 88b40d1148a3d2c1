"""What our scripts may not do with data (S40), and what the pages load (S76)."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
PAGES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").rglob("*.css"))
FORBIDDEN = {
    "markup from text": r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment|setHTML",
    "code from text": r"\beval\s*\(|new Function|setTimeout\(\s*[\"'`]|setInterval\(\s*[\"'`]",
    "storage": r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b",
    "a title with data": r"document\.title\s*=",
    "handlers in attributes": r"setAttribute\(\s*[\"']on|\.style\.cssText|setAttribute\(\s*[\"']style",
    "messages to others": r"postMessage|window\.name",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
class TestAScript:
    @pytest.mark.parametrize("what", FORBIDDEN)
    def test_s40_makes_no_markup_and_no_code_of_data_and_keeps_none(
        self, script: Path, what: str
    ) -> None:
        assert not re.search(FORBIDDEN[what], script.read_text(encoding="utf-8"))

    def test_s40_parses_pages_only_where_the_server_sends_them(self, script: Path) -> None:
        """A parsed document runs no script, but what is taken from it does; one module may make one."""
        source = script.read_text(encoding="utf-8")

        assert script.name == "api.js" or "DOMParser" not in source

    def test_asks_the_server_by_way_of_one_module(self, script: Path) -> None:
        assert script.name == "api.js" or "fetch(" not in script.read_text(encoding="utf-8")


class TestWhatPagesLoad:
    @pytest.mark.parametrize(
        "file", [*PAGES, *STYLES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT))
    )
    def test_s76_comes_from_no_other_host(self, file: Path) -> None:
        source = file.read_text(encoding="utf-8")

        assert not re.search(
            r"(?:src|action|@import|url\(|from)\s*[=(]?\s*[\"']?(?:https?:)?//", source
        )
        assert not re.search(r"<link[^>]+href=[\"'](?:https?:)?//", source)
