"""Every address of the product, walked from the URL configuration."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

KNOWN = {"uuid": "00000000-0000-4000-8000-000000000000", "int": "1", "str": "word", "path": "word"}


def addresses() -> list[str]:
    """Return one address for each route; what a route asks for is filled with something that does not exist."""
    return sorted(set(_walk(get_resolver(), "/")))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        path = prefix + _filled(entry)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path)
        else:
            yield path


def _filled(entry: URLPattern | URLResolver) -> str:
    """Return the route with a value for each of its parts; a regular expression becomes a word."""
    route = str(entry.pattern)
    for name, converter in entry.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        kind = {"string": "str"}.get(kind, kind)
        for written in (f"<{kind}:{name}>", f"<{name}>"):
            route = route.replace(written, KNOWN.get(kind, "word"))
    return "scheduling/" if isinstance(entry.pattern, RegexPattern) else route
