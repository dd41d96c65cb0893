"""Front matter -> Article, or what is wrong with it. Knows every key of an article file; knows no folder.

The order of things: visibility first, because a takedown counts even in a broken file; then whether this is an
article at all; then its fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from feeds import urls
from feeds.content import body, frontmatter, payload, usual, values, visibility
from feeds.content.fields import MAX_TITLE_LENGTH, Complaint, Fields, Written, as_problems, read_mapping
from feeds.content.frontmatter import FrontMatter
from feeds.content.pictures import images
from feeds.content.yamltree import YamlError
from feeds.identity import article_id
from feeds.model import Article, Download, Level, Outcome, Problem, Provider, Related, State, Takedown

_FIRST_LINE = 2  # of the YAML, in the file
_FILE_NAME_DATE = re.compile(r"(?:.*/)?(\d{4}-\d\d-\d\d)-[^/]*")


def parse_article(path: str, data: bytes) -> Outcome:
    """Return what becomes of a candidate file; never raises, whatever the bytes.

    `path` is relative to the content folder, with slashes.
    """
    return parse_articles([(path, data)])[0]


def parse_articles(files: Sequence[tuple[str, bytes]]) -> list[Outcome]:
    """Return what becomes of candidate files, each given as `parse_article` has it, in their order.

    Each step is taken for all of them before the next: in the caches of a processor there is room for one step's code, and to fetch
    it anew for every file takes up to a tenth of the time.
    """
    said = [_said(path, data) for path, data in files]
    return [found if isinstance(found, Outcome) else _meant(path, data, *found) for (path, data), found in zip(files, said, strict=True)]


def _said(path: str, data: bytes) -> tuple[FrontMatter, Written] | Outcome:
    """Return the parts of a file and the values of its front matter, or what becomes of a file that has none."""
    try:
        parts = frontmatter.split(data)
    except frontmatter.FrontMatterError as error:
        return _unreadable(path, Problem(error.reason, error.line, level=Level.ERROR), error.readable)
    if parts is None:
        return _skipped(path, Problem("has no front matter"))
    try:
        return parts, read_mapping(parts.yaml)
    except YamlError as error:
        line = None if error.line is None else error.line + _FIRST_LINE - 1
        return _unreadable(path, Problem(error.reason, line, level=Level.ERROR), parts.yaml)


def _meant(path: str, data: bytes, parts: FrontMatter, written: Written) -> Outcome:
    return _without_payload(_usual_outcome(path, parts, written) or _outcome(path, parts, written), data)


def _skipped(path: str, problem: Problem) -> Outcome:
    return Outcome(path, State.SKIPPED, problems=(problem,))


def _unreadable(path: str, problem: Problem, text: str) -> Outcome:
    """Refuse a file whose fields can't be read; a takedown that stands in it counts all the same."""
    return Outcome(path, State.REFUSED, takedown=visibility.takedown_in(text), problems=(problem,))


def _usual_outcome(path: str, parts: FrontMatter, written: Written) -> Outcome | None:
    """Return what `_outcome` does, or None where there is anything to be said of the file."""
    if not written.is_plain or parts.control_character_line is not None:
        return None
    article = usual.article(path, written.values, parts.body)
    return None if article is None else Outcome(path, State.SHOWN, article, article.id)


def _outcome(path: str, parts: FrontMatter, written: Written) -> Outcome:
    complaints: list[Complaint] = []
    fields = Fields(written.values, complaints)
    takedown, reason = visibility.takedown(fields, Level.ERROR)
    if "title" not in fields and takedown is not Takedown.IDENTITY:
        return _skipped(path, Problem("has no title"))
    if "webUrl" not in fields and "originalUrl" not in fields:
        return _skipped(path, Problem("has neither webUrl nor originalUrl"))
    links = _links(fields, Level.ERROR)
    identity = links[0] if links else None
    article = _article(path, fields, parts.body, links)
    if takedown is not Takedown.NONE and reason is not None:
        lenient = [complaint._replace(level=Level.WARNING) for complaint in complaints]
        return Outcome(path, State.HIDDEN, id=identity, takedown=takedown, problems=_problems(parts, written, lenient, reason))
    broken = any(complaint.level is Level.ERROR for complaint in complaints)
    problems = _problems(parts, written, complaints)
    if broken or article is None:
        return Outcome(path, State.REFUSED, id=identity, takedown=takedown, problems=problems)
    return Outcome(path, State.SHOWN, article, article.id, problems=problems)


def _problems(parts: FrontMatter, written: Written, complaints: list[Complaint], *first: Complaint) -> tuple[Problem, ...]:
    controls = parts.control_character_line
    removed = () if controls is None else (Problem("holds control characters, which were removed", controls),)
    return (*as_problems(list(first), written, _FIRST_LINE), *removed, *as_problems(complaints, written, _FIRST_LINE))


def _article(path: str, fields: Fields, source: str, links: tuple[str, str, str | None] | None) -> Article | None:
    title = _title(fields, Level.ERROR)
    published_at = _published_at(path, fields)
    updated_at = fields.moment("updatedDateTime", Level.ERROR)
    if title is None or links is None or published_at is None:
        return None
    identity, url, original_url = links
    return Article(
        id=identity,
        title=title,
        url=url,
        original_url=original_url,
        amp_url=fields.url("ampWebUrl"),
        published_at=published_at,
        updated_at=max(published_at, updated_at or published_at),
        excerpt=fields.paragraphs("excerpt"),
        content_html=_content(path, fields, source, url),
        category=fields.line_of_text("category"),
        type=fields.line_of_text("type"),
        topics=values.distinct(fields.names("topics")),
        provider=_provider(fields),
        images=images(fields),
        related=_related(fields, identity),
        download=_download(fields),
        player_url=_player_url(fields),
        duration_seconds=_length(fields),
        quality=fields.whole_number("quality"),
        heat=fields.whole_number("heat"),
        language=_language(fields),
    )


def _title(fields: Fields, level: Level) -> str | None:
    return fields.required_line("title", level, MAX_TITLE_LENGTH)


def _links(fields: Fields, level: Level) -> tuple[str, str, str | None] | None:
    """Return identity, link and, where it differs, original link; None where there is a bad URL or none."""
    if fields.is_blank("webUrl") and fields.is_blank("originalUrl"):
        fields.complain("webUrl", "is empty, and so is originalUrl", level)
    web, original = fields.url_as_written("webUrl", level), fields.url_as_written("originalUrl", level)
    link, source = web or original, original or web
    if link is None or source is None:
        return None
    url, original_url = link[1], source[1]
    identity = fields.scalar("id")
    if identity is not None and not urls.is_absolute_iri(identity):
        fields.complain("id", "is no absolute IRI; the identity is computed from the URL")
        identity = None
    return identity or article_id(source[0]), url, original_url if original_url != url else None


def _published_at(path: str, fields: Fields) -> datetime | None:
    if "publishedDateTime" in fields:
        return fields.moment("publishedDateTime", Level.ERROR)
    named = _FILE_NAME_DATE.fullmatch(path)
    try:
        if named:
            return values.moment(named[1])
    except ValueError:
        pass  # a name such as 2020-99-99-x tells no date, like a name without one
    fields.complain("publishedDateTime", "is missing, and the file name does not start with a date", Level.ERROR)
    return None


def _content(path: str, fields: Fields, source: str, url: str) -> str | None:
    if not source:
        return None
    try:
        return body.html(source, is_html=path.lower().endswith(".html"), base_url=url)
    except ValueError as error:
        fields.complain("body", f"{error}; it is left out")
        return None


def _provider(fields: Fields) -> Provider | None:
    provider = fields.fields("provider", "name")
    if provider is None:
        return None
    domain = provider.line_of_text("domain")
    if domain is not None:
        try:
            domain = urls.domain(domain)
        except ValueError:
            provider.complain("domain", "is no domain name")
            domain = None
    name = provider.line_of_text("name") or domain
    if name is None:
        return None
    pictures = images(provider)
    authors = values.distinct([author for item in provider.list_of_fields("authors", "name") if (author := item.line_of_text("name"))])
    return Provider(name, domain, pictures, authors) if pictures or authors else _bare_provider(name, domain)


_bare_provider = lru_cache(maxsize=4096)(Provider)  # the same few hundred stand in all files of a site


def _related(fields: Fields, parent: str) -> tuple[Related, ...]:
    stories: dict[str, Related] = {}
    for item in fields.list_of_fields("related", "webUrl"):
        title, links = _title(item, Level.WARNING), _links(item, Level.WARNING)
        hidden, _ = visibility.takedown(item, Level.WARNING)
        if title is None or links is None or hidden is not Takedown.NONE or links[0] == parent:
            continue
        identity, url, original_url = links
        stories.setdefault(
            identity,
            Related(
                identity,
                title,
                url,
                original_url,
                item.paragraphs("excerpt"),
                item.moment("publishedDateTime"),
                _provider(item),
                item.whole_number("quality"),
                images(item),
            ),
        )
    return tuple(stories.values())


def _download(fields: Fields) -> Download | None:
    for action in fields.list_of_fields("actions", "url"):
        if (action.scalar("type") or "").strip().lower() == "download":
            url = action.url("url")
            if url is not None:
                return Download(url, action.line_of_text("title", longest=MAX_TITLE_LENGTH), action.line_of_text("attribution"))
    return None


def _player_url(fields: Fields) -> str | None:
    markup = fields.scalar("featuredContent")
    try:
        return body.player_url(markup) if markup and markup.strip() else None
    except ValueError as error:
        fields.complain("featuredContent", str(error))
        return None


def _length(fields: Fields) -> int | None:
    written = fields.scalar("length")
    if not written:
        return None
    try:
        return values.duration_seconds(written)
    except ValueError as error:
        fields.complain("length", str(error))
        return None


def _language(fields: Fields) -> str | None:
    written = fields.line_of_text("locale")
    if written is None:
        return None
    try:
        return values.language(written)
    except ValueError as error:
        fields.complain("locale", str(error))
        return None


def _without_payload(outcome: Outcome, data: bytes) -> Outcome:
    """Refuse an article into which a broken file carried its encrypted payload.

    The field itself never gets here; but a lost quote or a misplaced `---` can push its text into a title or the body.
    """
    if outcome.article is None or not payload.spills(data, msgspec.msgpack.encode(outcome.article)):
        return outcome
    problem = Problem("spills into another field or the body; is a quote or the closing --- misplaced?", field="secured", level=Level.ERROR)
    return Outcome(outcome.path, State.REFUSED, problems=(*outcome.problems, problem))
