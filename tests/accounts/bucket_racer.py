"""
One process that takes from a bucket again and again, from several threads.

    python -m tests.accounts.bucket_racer BUCKET LIMIT TIMES NOW

Prints how many were accepted. The database is the one of DATABASE_URL.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import django

THREADS = 4


def main(bucket: str, limit: str, times: str, now: str) -> int:
    """Return how many requests were accepted."""
    django.setup()
    from django.db import connection

    from accounts.exceptions import TooManyRequests
    from accounts.throttle import RequestLimit, take

    rule = RequestLimit(bucket, int(limit), timedelta(minutes=1))
    moment = datetime.fromisoformat(now)

    def one(_: int) -> bool:
        try:
            take(rule, now=moment)
        except TooManyRequests:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(one, range(int(times))))


if __name__ == "__main__":
    print(main(*sys.argv[1:]))  # noqa: T201 - what the test reads
