"""Find a Chromium for the browser tests, or install one where that is allowed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_BROWSER = "Chromium is missing: apt-get install chromium"


class ServiceMissing(Exception):
    """A service cannot be provided; the text is the line for the person at the terminal."""


def chromium() -> str:
    """Return the path of a Chromium: named, in PATH, Debian's package where we may install it, playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    if found := _browser_in_path() or _install_browser() or _playwright_browser():
        return found
    raise ServiceMissing(INSTALL_BROWSER)


def _browser_in_path() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _install_browser() -> str | None:
    if not shutil.which("apt-get"):
        return None
    may = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if may and (not shutil.which("sudo") or subprocess.run([*may, "true"], check=False).returncode):
        return None
    print("Installing Chromium with apt-get …", flush=True)  # noqa: T201 - a terminal program
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = [*may, "apt-get", "install", "-qq", "-y", "chromium"]
    quiet: dict[str, Any] = {"check": False, "env": environment, "stdout": subprocess.DEVNULL}
    if subprocess.run(install, stderr=subprocess.DEVNULL, **quiet).returncode:
        subprocess.run([*may, "apt-get", "update", "-qq"], **quiet)
        subprocess.run(install, **quiet)
    return _browser_in_path()


def _playwright_browser() -> str | None:
    """Let playwright download its Chromium, where the network allows it."""
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if done.returncode:
        return None
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    return next(
        (str(path) for path in sorted(home.glob("chromium-*/*/chrome"), reverse=True)), None
    )
