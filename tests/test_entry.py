"""What all formats say of an article, decided once."""

import pytest
from msgspec.structs import replace

from feeds.feed import DEFAULT_OPTIONS, Feed, ImageOption, RelatedOption
from feeds.model import Article, Download, Label, Provider
from feeds.render.entry import Author, Enclosure, Entry, Player, entry, picture

from .builders import article, feed, image, listed, related

PICTURES = (image("one", title="One"), image("two"))
DOWNLOAD = Download("https://files.example.com/app.zip", "The app")


def said(one: Article, feed_with: Feed | None = None) -> Entry:
    return entry(listed(one), feed_with or feed())


def with_options(**options: object) -> Feed:
    return feed(options=replace(DEFAULT_OPTIONS, **options))  # type: ignore[arg-type] # each test names the right type


@pytest.mark.parametrize(
    ("option", "attached", "inline"),
    [
        (ImageOption.ATTACH, True, False),
        (ImageOption.INLINE, False, True),
        (ImageOption.BOTH, True, True),
        (ImageOption.NONE, False, False),
    ],
)
def test_pictures_are_where_the_option_says(option: ImageOption, attached: bool, inline: bool) -> None:
    shown = said(article(images=PICTURES), with_options(images=option))

    assert shown.images == (PICTURES if attached else ())
    assert (shown.enclosure is not None) == attached
    assert shown.content_html.count("<img ") == (2 if inline else 0)


def test_first_picture_is_the_enclosure() -> None:
    assert said(article(images=PICTURES)).enclosure == Enclosure("https://img.example.com/one.jpg", "image/jpeg", "One")


def test_download_is_the_enclosure_before_any_picture() -> None:
    shown = said(article(images=PICTURES, download=DOWNLOAD))

    assert shown.enclosure == Enclosure("https://files.example.com/app.zip", "application/zip", "The app")
    assert [attachment.url for attachment in shown.attachments] == [DOWNLOAD.url, *(one.url for one in PICTURES)]


@pytest.mark.parametrize(
    ("option", "pictured"), [(ImageOption.ATTACH, True), (ImageOption.BOTH, True), (ImageOption.INLINE, False), (ImageOption.NONE, False)]
)
def test_related_story_has_its_picture_where_pictures_are_attached(option: ImageOption, pictured: bool) -> None:
    (story,) = said(article(related=(related(images=PICTURES),)), with_options(images=option)).related
    assert bool(story.images) is pictured


@pytest.mark.parametrize("option", ImageOption)
def test_download_stays_attached_whatever_becomes_of_pictures(option: ImageOption) -> None:
    shown = said(article(images=PICTURES, download=DOWNLOAD), with_options(images=option))

    assert shown.attachments[0].url == DOWNLOAD.url


def test_enclosed_picture_is_attached_once() -> None:
    assert [attachment.url for attachment in said(article(images=PICTURES)).attachments] == [one.url for one in PICTURES]


def test_picture_of_the_site_gets_the_address_of_the_site() -> None:
    assert said(article(images=(image(url="/assets/x.png"),))).images[0].url == "https://www.example.org/assets/x.png"


def test_authors_are_named_without_the_provider() -> None:
    provider = Provider("Times", "times.example", authors=("Ann", "Bob"))

    assert said(article(provider=provider)).authors == (Author("Ann"), Author("Bob"))


def test_provider_with_its_home_stands_for_missing_authors() -> None:
    assert said(article(provider=Provider("Times", "times.example"))).authors == (Author("Times", "https://times.example/"),)


def test_article_without_provider_has_no_author_of_its_own() -> None:
    assert said(article(provider=None)).authors == ()


def test_original_and_parents_are_its_sources() -> None:
    one = listed(article(original_url="https://old.example.com/a"), parent_urls=("https://p.example.com/1", "https://p.example.com/2"))

    shown = entry(one, feed())

    assert shown.via == ("https://old.example.com/a", "https://p.example.com/1", "https://p.example.com/2")
    assert shown.original_url == "https://old.example.com/a"


def test_source_is_named_once() -> None:
    one = listed(article(original_url="https://p.example.com/1"), parent_urls=("https://p.example.com/1", "https://p.example.com/1"))

    assert entry(one, feed()).via == ("https://p.example.com/1",)


def test_video_plays_elsewhere() -> None:
    assert said(article(player_url="https://www.youtube.com/embed/x", duration_seconds=543)).player == Player(
        "https://www.youtube.com/embed/x", 543
    )


def test_language_is_said_where_it_differs_from_the_feeds() -> None:
    assert [said(article(language=tag)).language for tag in ("en", "fr", None)] == [None, "fr", None]


@pytest.mark.parametrize(("option", "count"), [(RelatedOption.LINKS, 1), (RelatedOption.ENTRIES, 1), (RelatedOption.NONE, 0)])
def test_related_stories_are_left_out_of_everything_on_request(option: RelatedOption, count: int) -> None:
    shown = said(article(related=(related(),)), with_options(related=option))

    assert len(shown.related) == count
    assert shown.content_html.count("<li>") == count


def test_what_xml_forbids_is_dropped_from_all_text() -> None:
    one = article(
        title="a\x00b",
        excerpt="c\ud800d",
        content_html="<p>e\ufffff</p>",
        provider=Provider("g\x1fh"),
        images=(image(title="i\x08j"),),
        related=(related(title="k\x0bl"),),
    )

    shown = said(one)

    assert (shown.title, shown.summary, shown.authors[0].name, shown.images[0].title, shown.related[0].title) == (
        "ab",
        "cd",
        "gh",
        "ij",
        "kl",
    )
    assert shown.content_html.startswith("<p>ef</p>")


def test_title_of_nothing_but_forbidden_characters_is_the_url() -> None:
    assert said(article(title="\x00")).title == "https://news.example.com/a"


def test_topics_keep_slug_and_name() -> None:
    assert entry(listed(article(topics=("AI", "C++")), "ai", "c-plus-plus"), feed()).topics == (
        Label("ai", "AI"),
        Label("c-plus-plus", "C++"),
    )


def test_picture_of_a_collection_is_its_largest() -> None:
    small, large = image("s", url="/s.png", width=50, height=50), image("l", url="/l.png", width=400, height=400)

    assert picture((small, large), "https://www.example.org") == replace(large, url="https://www.example.org/l.png")
    assert picture((), "https://www.example.org") is None
