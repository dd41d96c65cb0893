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
from feeds.content import body, frontmatter, payload
from feeds.content.fields import MAX_TITLE_LENGTH, Complaint, Fields, Written, as_problems, flag, moment, read_mapping
from feeds.content.frontmatter import FrontMatter
from feeds.content.pictures import images
from feeds.content.yamltree import YamlError
from feeds.identity import article_id, fold
from feeds.model import Article, Download, Level, Outcome, Problem, Provider, Related, State, Takedown

_FIRST_LINE = 2  # of the YAML, in the file
_HIDES = {"published": Takedown.FILE, "draft": Takedown.FILE, "removed": Takedown.IDENTITY, "deleted": Takedown.IDENTITY}
_SHOWN_VALUES = {"published": True, "draft": False, "removed": False, "deleted": False}
_LONGEST_SLIP = max(map(len, _HIDES)) + 1
_OTHER_KEYS = frozenset({"publisher"})
# The keys of articles that nobody writes for one of visibility: most files and nearly all related stories have no others.
_FIELDS = frozenset(
    {
        *("title", "webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl", "id", "publishedDateTime", "updatedDateTime", "excerpt"),
        *("category", "type", "topics", "provider", "images", "related", "actions", "featuredContent", "length", "locale"),
        *("quality", "heat", "secured"),
    }
)
_VISIBILITY_LINE = re.compile(r"""^["']?(published|draft|removed|deleted)["']?[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^#\r\n]*)""", re.MULTILINE)
_FILE_NAME_DATE = re.compile(r"(?:.*/)?(\d{4}-\d\d-\d\d)-[^/]*")
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})(?:\.\d+)?S)?)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")  # the shape of BCP 47 tags


def parse_article(path: str, data: bytes) -> Outcome:
    """Return what becomes of a candidate file; never raises, whatever the bytes.

    `path` is relative to the content folder, with slashes.
    """
    try:
        parts = frontmatter.split(data)
    except frontmatter.FrontMatterError as error:
        return _unreadable(path, Problem(error.reason, error.line, level=Level.ERROR), error.readable)
    if parts is None:
        return _skipped(path, Problem("has no front matter"))
    try:
        written = read_mapping(parts.yaml)
    except YamlError as error:
        line = None if error.line is None else error.line + _FIRST_LINE - 1
        return _unreadable(path, Problem(error.reason, line, level=Level.ERROR), parts.yaml)
    return _without_payload(_outcome(path, parts, written), data)


def _skipped(path: str, problem: Problem) -> Outcome:
    return Outcome(path, State.SKIPPED, problems=(problem,))


def _unreadable(path: str, problem: Problem, text: str) -> Outcome:
    """Refuse a file whose fields can't be read; a takedown that stands in it counts all the same."""
    takedown = Takedown.NONE
    for key, value in _VISIBILITY_LINE.findall(text):
        if not value.strip() or takedown is Takedown.IDENTITY:
            continue
        try:
            takedown = takedown if flag(value.strip().strip("\"'")) is _SHOWN_VALUES[key] else _HIDES[key]
        except ValueError:
            takedown = Takedown.FILE
    return Outcome(path, State.REFUSED, takedown=takedown, problems=(problem,))


def _outcome(path: str, parts: FrontMatter, written: Written) -> Outcome:
    complaints: list[Complaint] = []
    fields = Fields(written.values, complaints)
    takedown, reason = _takedown(fields, Level.ERROR)
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


def _takedown(fields: Fields, level: Level) -> tuple[Takedown, Complaint | None]:
    """Return what the file says about its visibility; no reason goes with a value that can't be read."""
    if fields.has_only(_FIELDS):
        return Takedown.NONE, None
    takedown, reason = Takedown.NONE, None
    meant = [key for key in fields.written_keys() if key not in _FIELDS and len(key) <= _LONGEST_SLIP and _is_meant_for_visibility(key)]
    for key in (key for key in _HIDES if key in meant and key in fields):
        value = fields.flag(key, level)
        if value is None:
            takedown = takedown if takedown is Takedown.IDENTITY else Takedown.FILE
        elif value is not _SHOWN_VALUES[key] and takedown is not Takedown.IDENTITY:
            takedown = _HIDES[key]
            reason = fields.complaint(key, f"is {str(value).lower()}")
    for key in meant:
        if key not in _HIDES:
            fields.complain(key, "is no known key; is one of published, draft, removed, deleted meant?")
    return takedown, reason


@lru_cache(maxsize=1024)
def _is_meant_for_visibility(written: str) -> bool:
    """Whether a key is one of visibility, or looks like one: in other case, two letters swapped, one letter off, missing or doubled."""
    key = written.lower()
    if key in _OTHER_KEYS or key in _HIDES:
        return key in _HIDES
    for known in _HIDES:
        if abs(len(key) - len(known)) > 1:
            continue
        if sorted(key) == sorted(known):
            return True
        if any(key[:place] + key[place + 1 :] == known for place in range(len(key))):
            return True
        if any(known[:place] + known[place + 1 :] == key for place in range(len(known))):
            return True
        if len(key) == len(known) and sum(a != b for a, b in zip(key, known, strict=True)) == 1:
            return True
    return False


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
        topics=_distinct(fields.names("topics")),
        provider=_provider(fields),
        images=images(fields),
        related=_related(fields, identity),
        download=_download(fields),
        player_url=_player_url(fields),
        duration_seconds=_duration_seconds(fields),
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
            return moment(named[1])
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


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    if len(names) < 2:
        return tuple(names)
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(fold(name), name)
    return tuple(spellings.values())


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
    authors = _distinct([author for item in provider.list_of_fields("authors", "name") if (author := item.line_of_text("name"))])
    return Provider(name, domain, pictures, authors) if pictures or authors else _bare_provider(name, domain)


_bare_provider = lru_cache(maxsize=4096)(Provider)  # the same few hundred stand in all files of a site


def _related(fields: Fields, parent: str) -> tuple[Related, ...]:
    stories: dict[str, Related] = {}
    for item in fields.list_of_fields("related", "webUrl"):
        title, links = _title(item, Level.WARNING), _links(item, Level.WARNING)
        hidden, _ = _takedown(item, Level.WARNING)
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


def _duration_seconds(fields: Fields) -> int | None:
    """Return the seconds of an ISO 8601 duration of days, hours, minutes and seconds."""
    written = fields.scalar("length")
    if not written:
        return None
    found = _DURATION.fullmatch(written.strip())
    if found is None or not any(found.groups()):
        fields.complain("length", "is no ISO 8601 duration such as PT9M3S")
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _language(fields: Fields) -> str | None:
    written = fields.line_of_text("locale")
    tag = written and written.replace("_", "-")
    if tag and not _LANGUAGE.fullmatch(tag):
        fields.complain("locale", "is no language tag such as en-US")
        return None
    return tag


def _without_payload(outcome: Outcome, data: bytes) -> Outcome:
    """Refuse an article into which a broken file carried its encrypted payload.

    The field itself never gets here; but a lost quote or a misplaced `---` can push its text into a title or the body.
    """
    if outcome.article is None or not payload.spills(data, msgspec.json.encode(outcome.article)):
        return outcome
    problem = Problem("spills into another field or the body; is a quote or the closing --- misplaced?", field="secured", level=Level.ERROR)
    return Outcome(outcome.path, State.REFUSED, problems=(*outcome.problems, problem))
