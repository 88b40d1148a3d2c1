"""What we run on is locked file by file, and listed for whoever has to know (S76)."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LOCK = ROOT / "requirements.txt"
LOCKED = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def run(*command: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def locked_files() -> dict[tuple[str, str], set[str]]:
    """Return the hashes of each locked package, by its name and version."""
    found: dict[tuple[str, str], set[str]] = {}
    for part in re.split(r"\n(?=[a-z0-9])", LOCK.read_text(encoding="utf-8")):
        if match := LOCKED.match(part):
            found[match[1], match[2]] = set(HASH.findall(part))
    return found


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the bill of materials that the Makefile's own line writes."""
    file = tmp_path_factory.mktemp("sbom") / "sbom.json"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\t\$\(BIN\)/(cyclonedx-py .+)$", makefile, re.MULTILINE)
    program, *arguments = line.replace("$(SBOM)", str(file)).split()
    done = run(str(Path(sys.executable).parent / program), *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text(encoding="utf-8"))


class TestTheListOfWhatWeRunOn:
    def test_s76_is_in_a_form_that_others_read(self, bill: Any) -> None:
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")

    def test_s76_names_every_locked_package_with_every_hash(self, bill: Any) -> None:
        listed = {
            (one["name"], one["version"]): {
                digest["content"]
                for place in one["externalReferences"]
                for digest in place.get("hashes", ())
            }
            for one in bill["components"]
        }

        assert listed == locked_files()
        assert all(listed.values())


class TestAnInstallation:
    def lock(self, folder: Path, digest: str) -> Path:
        """Write a lock of one package that lies beside it."""
        file = folder / "lock.txt"
        file.write_text(f"tiny==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
        return file

    def wheel(self, folder: Path) -> str:
        """Make a package and return its hash."""
        file = folder / "tiny-1.0-py3-none-any.whl"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("tiny.py", "")
            archive.writestr("tiny-1.0.dist-info/METADATA", METADATA)
            archive.writestr("tiny-1.0.dist-info/WHEEL", WHEEL)
            archive.writestr("tiny-1.0.dist-info/RECORD", "")
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def install(self, folder: Path, lock: Path) -> "subprocess.CompletedProcess[str]":
        return run(
            sys.executable, "-m", "pip", "install", "--require-hashes", "--no-index",
            "--find-links", str(folder), "--target", str(folder / "installed"), "-r", str(lock),
            folder=folder,
        )  # fmt: skip

    def test_s76_takes_what_the_lock_names(self, tmp_path: Path) -> None:
        digest = self.wheel(tmp_path)

        done = self.install(tmp_path, self.lock(tmp_path, digest))

        assert done.returncode == 0, done.stderr

    def test_s76_fails_when_one_hash_differs(self, tmp_path: Path) -> None:
        digest = self.wheel(tmp_path)
        other = ("1" if digest[0] == "0" else "0") + digest[1:]

        done = self.install(tmp_path, self.lock(tmp_path, other))

        assert done.returncode != 0
        assert "DO NOT MATCH THE HASHES" in done.stderr
        assert not (tmp_path / "installed").exists()

    def test_s76_asks_for_hashes_wherever_the_makefile_installs(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        installs = re.findall(r"(?:pip|uv\S*) (?:pip )?install[^|;\n]*", makefile)

        assert installs
        assert all("--require-hashes" in one for one in installs)
