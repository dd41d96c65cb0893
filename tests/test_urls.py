"""Web addresses: which are accepted, and how they are written."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.urls import domain, is_absolute_iri, web_url


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://news.example/a", "https://news.example/a"),
        ("  http://news.example \n", "http://news.example"),
        ("HTTPS://News.Example/A", "https://news.example/A"),
        ("https://news.example:443/a", "https://news.example:443/a"),
        ("https://news.example:/a", "https://news.example/a"),
        ("https://news.example:08443/", "https://news.example:8443/"),
        ("https://user:pass@news.example/", "https://user:pass@news.example/"),
        ("https://us er@news.example/", "https://us%20er@news.example/"),
        ("https://a@b@news.example/", "https://a@b@news.example/"),
        ("https://[2001:DB8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("https://192.0.2.1/", "https://192.0.2.1/"),
        ("https://news_1.example./", "https://news_1.example./"),
        ("https://Zeitung-Köln.example/ü", "https://xn--zeitung-kln-zfb.example/%C3%BC"),
        ("https://新闻。例子/机器 人?q=机#器", "https://xn--efvy88h.xn--fsqu00a/%E6%9C%BA%E5%99%A8%20%E4%BA%BA?q=%E6%9C%BA#%E5%99%A8"),
        ("https://Straße.example/", "https://xn--strae-oqa.example/"),
        ("https://news.example/a%20b%zz%", "https://news.example/a%20b%25zz%25"),
        ('https://news.example/<a>"b"{c}|d\\e^f`g', "https://news.example/%3Ca%3E%22b%22%7Bc%7D%7Cd%5Ce%5Ef%60g"),
        ("https://news.example/a[1]?b[]=2", "https://news.example/a%5B1%5D?b%5B%5D=2"),
        ("https://news.example/a;b=1,c/(d)*!$&'+~", "https://news.example/a;b=1,c/(d)*!$&'+~"),
        ("https://news.example?x=1#y", "https://news.example?x=1#y"),
        ("https://news.example/#a#b", "https://news.example/#a%23b"),
        ("https://news.example/a://b", "https://news.example/a://b"),
    ],
)
def test_url_is_written_as_every_reader_takes_it(written: str, url: str) -> None:
    assert web_url(written) == url


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is not an absolute http or https URL"),
        ("/a", "is not an absolute http or https URL"),
        ("news.example/a", "is not an absolute http or https URL"),
        ("//news.example/a", "is not an absolute http or https URL"),
        ("javascript:alert(1)", "is not an absolute http or https URL"),
        ("java\tscript:alert(1)", "holds control characters"),
        ("data:text/html,x", "is not an absolute http or https URL"),
        ("ftp://news.example/", "is not an absolute http or https URL"),
        ("mailto:a@news.example", "is not an absolute http or https URL"),
        ("http:/news.example", "is not an absolute http or https URL"),
        ("http:news.example", "is not an absolute http or https URL"),
        ("http:///a", "is not an absolute http or https URL"),
        ("http://?a", "is not an absolute http or https URL"),
        ("http://@/a", "has no host"),
        ("http://:80/a", "has no host"),
        ("http://news.example:99999/", "is not a valid URL"),
        ("http://news.example:x/", "is not a valid URL"),
        ("http://[::1/", "is not a valid URL"),
        ("http://[::1]news.example/", "has a host that is no domain name"),
        ("http://news example/", "has a host that is no domain name"),
        ("http://news..example/", "has a host that is no domain name"),
        ("http://-news.example/", "has a host that is no domain name"),
        ("http://news%2eexample/", "has a host that is no domain name"),
        ("http://<b>.example/", "has a host that is no domain name"),
        ("http://\u00ad/", "has a host that is no domain name"),
        ("http://" + "ä" * 70 + ".example/", "has a host that is no domain name"),
        ("http://news.example/a\nb", "holds control characters"),
        ("http://news.example/\x00", "holds control characters"),
        ("http://news.example/\ud800", "holds control characters"),
        ("http://news.example/" + "a" * 4096, "is longer than 4096 characters"),
    ],
)
def test_url_that_leads_nowhere_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the message is compared below
        web_url(written)
    assert str(refusal.value) == reason


HOSTS = st.one_of(
    st.sampled_from(["news.example", "NEWS.example:80", "[::1]", "a.b.c", "köln.example", "例え.jp", "u:p@h"]), st.text(max_size=10)
)
URLS = st.one_of(
    st.builds("{}://{}/{}".format, st.sampled_from(["http", "https", "HTTP"]), HOSTS, st.text(max_size=60)),
    st.builds("http://{}?{}#{}".format, HOSTS, st.text(max_size=20), st.text(max_size=20)),
    st.text(max_size=30),
)


@given(URLS)
def test_url_as_written_is_ascii_and_stays_as_it_is(text: str) -> None:
    try:
        url = web_url(text)
    except ValueError:
        return
    assert url.isascii()
    assert web_url(url) == url
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert not set(url) & set(' "<>\\^`{|}\n\t')


@pytest.mark.parametrize("iri", ["urn:uuid:4b5f5ef0", "tag:news.example,2024:a", "https://news.example/ü", "x:y", "doi:10.1000/182#1"])
def test_absolute_iri_can_be_an_id(iri: str) -> None:
    assert is_absolute_iri(iri)


@pytest.mark.parametrize(
    "text",
    ["", "a", "/a", "7:a", ":a", "urn:", "urn: a", "urn:a b", "urn:<a>", "C:\\a", 'x:"', "x:\u0085", "x:\ud800", "urn:" + "a" * 4093],
)
def test_other_text_can_be_no_id(text: str) -> None:
    assert not is_absolute_iri(text)


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("example.com", "example.com"),
        (" WWW.Example.COM. ", "example.com"),
        ("news.example.com", "news.example.com"),
        ("wwwexample.com", "wwwexample.com"),
        ("Köln.example", "xn--kln-sna.example"),
    ],
)
def test_domain_is_lower_case_ascii_without_www(written: str, known_as: str) -> None:
    assert domain(written) == known_as


PAGES = ("index.html", "www.Index.HTML", "index.html.gz", "index.html.br")  # of a site as files


@pytest.mark.parametrize(
    "written", ["", ".", "https://example.com", "example.com/a", "example.com:80", "a b", "a..b", "a@b", "x/../y", *PAGES]
)
def test_other_text_is_no_domain(written: str) -> None:
    with pytest.raises(ValueError, match=r"no host|no domain name"):
        domain(written)
