"""Which addresses may be called, and what a URL says."""

from ipaddress import ip_address

import pytest

from commands.outbound import Guard, Refused, urls
from commands.outbound.guard import is_public
from commands.settings import Settings

PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.31.196.1",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
    "2001:0:101:101:0:0:fefe:fefe",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1:101:1:100::",
    "100::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2001:0:7f00:1::",
    "2001:0:101:101:0:0:80ff:fffe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_anybody_reaches_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_somewhere_within_is_not_public(address):
    assert not is_public(ip_address(address))


def test_a_network_is_opened_with_what_leads_there():
    guard = Guard(["10.0.0.0/8", "fd00::/8"])
    for one in (
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "64:ff9b::a01:203",
        "fd12::1",
        "1.1.1.1",
    ):
        assert guard.allows(ip_address(one)), one
    for one in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fc00::1", "::1"):
        assert not guard.allows(ip_address(one)), one


def test_each_address_of_a_name_has_to_be_allowed():
    guard = Guard()
    found = guard.check("a.example", 443, ["1.1.1.1", "2606::1"])
    assert [str(one) for one in found] == ["1.1.1.1", "2606::1"]
    with pytest.raises(Refused, match=r"^a\.example is not a public address; ") as told:
        guard.check("a.example", 443, ["1.1.1.1", "10.0.0.1"])
    assert "10.0" not in str(told.value)


def test_settings_open_networks_and_ports():
    settings = Settings(_env_file=None, outbound_allow="10.0.0.0/8", outbound_ports="*")
    guard = Guard.of(settings)
    assert guard.target("http://10.0.0.1:6379/").port == 6379
    guard = Guard.of(Settings(_env_file=None))
    assert guard.target("https://a.example/x?y=1").path == "/x?y=1"
    for port in (22, 6379, 8080):
        with pytest.raises(Refused, match=f"does not call port {port}"):
            guard.target(f"http://a.example:{port}/")


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("http://a.example", "http://a.example", "/"),
        (
            "HTTPS://A.Example:443/X%20y?q=a%20b#part",
            "https://a.example",
            "/X%20y?q=a%20b",
        ),
        ("https://a.example:80/", "https://a.example:80", "/"),
        ("http://xn--bcher-kva.example?x", "http://xn--bcher-kva.example", "/?x"),
        ("https://[2606:4700::1]/", "https://[2606:4700::1]", "/"),
        ("https://1.1.1.1/a/../b//c", "https://1.1.1.1", "/a/../b//c"),
        ("https://a.example/grün", "https://a.example", "/gr%C3%BCn"),
        ("http://a_b.example/", "http://a_b.example", "/"),
        ("http://a.example#@127.0.0.1/", "http://a.example", "/"),
    ],
)
def test_a_url_is_read_in_one_way(url, origin, path):
    target = urls.read(url)
    assert (target.origin, target.path) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "//a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example:70/_x",
        "unix:/var/run/x.sock",
        "http:///x",
        "http://",
        "http:a.example",
        "http://a..example/",
        "http://-a.example/",
        "http://.example/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 127}example/",
        "http://a.example:/",
        "http://a.example:0/",
        "http://a.example:65536/",
        "http://a.example:+80/",
        "http://a.example:\uff18\uff10/",
        "http://me:secret@a.example/",
        "http://a@b@a.example/",
        "http://bücher.example/",
        "http://a%2eexample/",
        "http://a.example\\@b.example/",
        "http://a.example\r\nHost: b/",
        "http://a.example/a b",
        "http://a.example/\x00",
        "http://a.example/\ud800",
        "http://[::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1/",
        "http://[1.1.1.1]/",
        "http://[v1.a]/",
        "http://::1/",
        "http://1.1.1/",
        "http://1.1.1.1./",
        "http://01.1.1.1/",
        "http://0x1010101/",
        "http://16843009/",
        "http://a.example.0x7f/",
        "http://a.example/" + "x" * 2048,
    ],
)
def test_a_url_that_programs_may_read_differently_is_refused(url):
    with pytest.raises(Refused):
        urls.read(url)
