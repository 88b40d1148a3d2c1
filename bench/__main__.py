"""`make bench`: every bench, one after the other, each in a process of its own."""

import subprocess
import sys

BENCHES = (
    "bench.relay",
    "bench.slots",
    "bench.rest",
    "bench.sample",
    "bench.identity",
    "bench.audit",
)


def main(chosen: list[str]) -> int:
    """Run the benches named, or all; the status is 0 when each ended well."""
    failed = False
    for name in [f"bench.{word}" for word in chosen] or BENCHES:
        print(f"\n{name}", flush=True)
        failed = subprocess.run([sys.executable, "-m", name], check=False).returncode != 0 or failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
