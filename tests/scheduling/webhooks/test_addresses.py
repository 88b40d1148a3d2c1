"""Which URLs may be stored (S65), and which machines may be reached (S66)."""

from ipaddress import ip_address

import pytest

from scheduling.exceptions import InvalidWebhookUrl
from scheduling.webhooks.addresses import Limits, Target, may_reach, target_of

REFUSED_URLS = [
    "",
    "other.example/hook",
    "http://other.example/hook",
    "ftp://other.example/hook",
    "file:///etc/passwd",
    "https://",
    "https:///hook",
    "https://user@other.example/hook",
    "https://user:word@other.example/hook",
    "https://@other.example/hook",
    "https://other.example/hook#part",
    "https://other.example/#",
    "https://other.example:8443/hook",
    "https://other.example:80/hook",
    "https://other.example:0/hook",
    "https://other.example:/hook",
    "https://other.example:99999/hook",
    "https://other.example:x/hook",
    "https://óther.example/hook",
    "https://other.example/hóok",
    "https://other.example/a b",
    "https://other.example/a\nb",
    "https://other.example\\@inside.example/",
    "https://other.example%2f.inside.example/",
    "https://other_one.example/hook",
    "https://-other.example/hook",
    "https://other..example/hook",
    "https://other.example./hook",
    "https://localhost/hook",
    "https://inside/hook",
    "https://127.0.0.1/hook",
    "https://127.1/hook",
    "https://2130706433/hook",
    "https://0x7f000001/hook",
    "https://0x7f.0.0.1/hook",
    "https://0177.0.0.1/hook",
    "https://10.0.0.8/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/hook",
    "https://[::ffff:7f00:1]/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://[fe80::1%25eth0]/hook",
    "https://[64:ff9b::7f00:1]/hook",
    "https://[2002:7f00:1::]/hook",
    "https://[::1/hook",
    "https://other.example/" + "a" * 2048,
]
ALLOWED_URLS = {
    "https://other.example": ("other.example", 443, "/"),
    "https://other.example/hook?a=1": ("other.example", 443, "/hook?a=1"),
    "https://OTHER.example:443/Hook": ("other.example", 443, "/Hook"),
    "https://xn--ther-1qa.example/": ("xn--ther-1qa.example", 443, "/"),
    "https://8.8.8.8/hook": ("8.8.8.8", 443, "/hook"),
    "https://[2606:4700::1111]/hook": ("2606:4700::1111", 443, "/hook"),
    "https://other.example/" + "a" * 2026: ("other.example", 443, "/" + "a" * 2026),
}
CLOSED = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::808:808",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::808:808", "2001::1", "2001:0:808:808::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
    "3fff::1", "::ffff:0:7f00:1", "fc00::1", "fd12::1", "fec0::1", "fe80::1", "fe80::1%eth0", "ff02::1", "ff0e::1",
]  # fmt: skip
OPEN = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"]


class TestAUrl:
    @pytest.mark.parametrize("url", REFUSED_URLS)
    def test_s65_of_the_table_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidWebhookUrl):
            target_of(url, Limits())

    @pytest.mark.parametrize(("url", "parts"), ALLOWED_URLS.items())
    def test_of_a_public_name_is_allowed(self, url: str, parts: tuple[str, int, str]) -> None:
        assert target_of(url, Limits()) == Target("https", *parts)

    def test_may_use_a_port_that_is_listed(self) -> None:
        target = target_of("https://other.example:8443/hook", Limits(ports=[8443]))

        assert (target.port, target.host_header) == (8443, "other.example:8443")

    def test_may_lead_to_this_machine_where_a_developer_said_so(self) -> None:
        target = target_of("http://127.0.0.1:9000/hook", Limits(local_hosts=["127.0.0.1"]))

        assert target == Target("http", "127.0.0.1", 9000, "/hook", local=True)
        assert target.host_header == "127.0.0.1:9000"

    def test_of_a_developers_machine_opens_no_other_scheme_or_name(self) -> None:
        limits = Limits(local_hosts=["127.0.0.1"])

        for url in ("ftp://127.0.0.1/", "http://127.0.0.2/", "http://127.0.0.1.example/"):
            with pytest.raises(InvalidWebhookUrl):
                target_of(url, limits)


class TestAMachine:
    @pytest.mark.parametrize("address", CLOSED)
    def test_s66_inside_is_not_reached(self, address: str) -> None:
        assert not may_reach(ip_address(address))

    @pytest.mark.parametrize("address", OPEN)
    def test_on_the_public_network_is_reached(self, address: str) -> None:
        assert may_reach(ip_address(address))

    def test_that_is_this_one_is_reached_where_a_developer_said_so(self) -> None:
        assert may_reach(ip_address("127.0.0.1"), local=True)
        assert may_reach(ip_address("::1"), local=True)
        assert not may_reach(ip_address("10.0.0.1"), local=True)
