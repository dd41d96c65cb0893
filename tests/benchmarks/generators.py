"""Static site generators that write the same feeds from the same articles: their sites, made from a folder of ours.

Each gets every file, with the front matter that it wants; what we do not show is marked as a draft. Hugo keeps the whole of the front
matter, as a site would, and its templates say what our feeds say of an article; Pelican's front matter has no room for pictures and
related stories, and its feeds none for them. Neither makes pages of articles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

ENTRIES = 50
_ONE_LINE = 1_000_000  # characters
_VISIBILITY = ("published", "removed", "draft")

_HUGO_SETTINGS = """
baseURL: https://hugo.example/
title: Feeds
languageCode: en
disableKinds: [sitemap, robotsTXT, 404]
taxonomies: {topic: topics}
mediaTypes:
  application/atom+xml: {suffixes: [atom]}
  application/rss+xml: {suffixes: [rss]}
outputFormats:
  rss: {mediaType: application/rss+xml, baseName: feed}
  atom: {mediaType: application/atom+xml, baseName: feed}
outputs: {term: [rss, atom], page: [], taxonomy: [], home: [], section: []}
cascade: [{_build: {render: never, list: always}, _target: {kind: page}}]
markup: {goldmark: {renderer: {unsafe: true}}}
timeout: 600s
"""
_HUGO_START = '{{ printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}'
_HUGO_CONTENT = "{{ with .Content }}{{ . | html }}{{ else }}{{ .Params.excerpt }}{{ end }}"
_HUGO_MEDIA = (
    """{{ range .Params.images }}<media:content url="{{ .url }}" medium="image" width="{{ .width }}" height="{{ .height }}"/>{{ end }}"""
)
_HUGO_RSS = f"""{_HUGO_START}
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>{{{{ .Title }}}}</title><link>{{{{ .Permalink }}}}</link><description>Articles about {{{{ .Title }}}}</description>
{{{{ range first {ENTRIES} .Data.Pages }}}}<item><title>{{{{ .Title }}}}</title><link>{{{{ .Params.originalUrl }}}}</link>
<guid isPermaLink="false">{{{{ .Params.guid }}}}</guid>
<pubDate>{{{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" | safeHTML }}}}</pubDate>
<dc:creator>{{{{ .Params.provider.name }}}}</dc:creator><description>{{{{ .Params.excerpt }}}}</description>
{{{{ range .Params.topics }}}}<category domain="https://hugo.example/topics/">{{{{ . }}}}</category>{{{{ end }}}}
{{{{ with .Params.images }}}}<enclosure url="{{{{ (index . 0).url }}}}" length="0" type="image/jpeg"/>{{{{ end }}}}
{{{{ range .Params.related }}}}<atom:link rel="related" href="{{{{ .webUrl }}}}" title="{{{{ .title }}}}"/>{{{{ end }}}}
{_HUGO_MEDIA}<content:encoded>{_HUGO_CONTENT}</content:encoded></item>
{{{{ end }}}}</channel></rss>
"""
_HUGO_DATE = '"2006-01-02T15:04:05Z07:00" | safeHTML'
_HUGO_ATOM = f"""{_HUGO_START}
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
<title>{{{{ .Title }}}}</title><id>{{{{ .Permalink }}}}</id><link href="{{{{ .Permalink }}}}"/>
<updated>{{{{ .Lastmod.Format {_HUGO_DATE} }}}}</updated>
{{{{ range first {ENTRIES} .Data.Pages }}}}<entry><title>{{{{ .Title }}}}</title><link href="{{{{ .Params.originalUrl }}}}"/>
<id>{{{{ .Params.guid }}}}</id><published>{{{{ .Date.Format {_HUGO_DATE} }}}}</published>
<updated>{{{{ .Lastmod.Format {_HUGO_DATE} }}}}</updated>
<author><name>{{{{ .Params.provider.name }}}}</name></author><summary>{{{{ .Params.excerpt }}}}</summary>
{{{{ range .Params.topics }}}}<category term="{{{{ . }}}}" scheme="https://hugo.example/topics/"/>{{{{ end }}}}
{{{{ with .Params.images }}}}<link rel="enclosure" href="{{{{ (index . 0).url }}}}" type="image/jpeg"/>{{{{ end }}}}
{{{{ range .Params.related }}}}<link rel="related" href="{{{{ .webUrl }}}}" title="{{{{ .title }}}}"/>{{{{ end }}}}
{_HUGO_MEDIA}<content type="html">{_HUGO_CONTENT}</content></entry>
{{{{ end }}}}</feed>
"""
_PELICAN_SETTINGS = f"""
SITEURL = FEED_DOMAIN = "https://pelican.example"
SITENAME = "Feeds"
PATH = "content"
OUTPUT_PATH = "public"
TIMEZONE = "UTC"
FEED_MAX_ITEMS = {ENTRIES}
FEED_ALL_ATOM = FEED_ALL_RSS = CATEGORY_FEED_ATOM = CATEGORY_FEED_RSS = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = TRANSLATION_FEED_ATOM = None
TAG_FEED_ATOM = "topics/{{slug}}/feed.atom"
TAG_FEED_RSS = "topics/{{slug}}/feed.rss"
RSS_FEED_SUMMARY_ONLY = False
ARTICLE_SAVE_AS = DRAFT_SAVE_AS = PAGE_SAVE_AS = DRAFT_PAGE_SAVE_AS = TAG_SAVE_AS = CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = ""
TAGS_SAVE_AS = CATEGORIES_SAVE_AS = AUTHORS_SAVE_AS = ARCHIVES_SAVE_AS = ""
DIRECT_TEMPLATES = THEME_STATIC_PATHS = STATIC_PATHS = []
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """An article as our feeds have it."""

    id: str
    title: str
    topics: tuple[str, ...]  # their slugs, which are fit for every file system and every generator
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator with a site of its own: `command` makes `public` in the folder of the site."""

    name: str
    folder: Path
    command: tuple[str, ...]

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def articles(self) -> Path:
        return self.folder / "content"


def hugo(folder: Path, content: Path, shown: Mapping[str, Shown]) -> Generator:
    """Write a site for Hugo, unless it is there."""
    generator = Generator("Hugo", folder, ("hugo", "--quiet", "--source", str(folder)))
    if not folder.is_dir():
        for path, front, body in _files(content):
            said = {**front, **_facts(front, shown.get(path)), "draft": path not in shown}
            text = yaml.dump(said, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=_ONE_LINE)
            _write(generator.articles / path, f"---\n{text}---\n{body}")
        _write(folder / "config.yaml", _HUGO_SETTINGS)
        _write(folder / "layouts" / "_default" / "term.rss.rss", _HUGO_RSS)
        _write(folder / "layouts" / "_default" / "term.atom.atom", _HUGO_ATOM)
    return generator


def pelican(folder: Path, content: Path, shown: Mapping[str, Shown], program: Path) -> Generator:
    """Write a site for Pelican, unless it is there."""
    generator = Generator("Pelican", folder, (str(program), "--quiet", "--settings", str(folder / "pelicanconf.py")))
    if not folder.is_dir():
        for number, (path, front, body) in enumerate(_files(content)):
            said = front | _facts(front, shown.get(path))
            lines = (
                f"Title: {said['title']}",
                f"Date: {said['date']:%Y-%m-%d %H:%M:%S}",
                f"Modified: {said['lastmod']:%Y-%m-%d %H:%M:%S}",
                f"Tags: {', '.join(said['topics'])}",
                f"Author: {said['provider']['name']}",
                f"Slug: {number}",
                f"Summary: {said['excerpt']}",
                f"Status: {'published' if path in shown else 'skip'}",
            )
            _write(generator.articles / path, "\n".join((*lines, "", body)))
        _write(folder / "pelicanconf.py", _PELICAN_SETTINGS)
    return generator


def _files(content: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield each article file: its path, its front matter without what says that it is hidden, its body."""
    for file in sorted(content.rglob("*.md")):
        front, _, body = file.read_text("utf-8").removeprefix("---\n").partition("\n---\n")
        said = yaml.load(front, Loader=yaml.CSafeLoader)
        yield file.relative_to(content).as_posix(), {key: value for key, value in said.items() if key not in _VISIBILITY}, body


def _facts(front: Mapping[str, Any], shown: Shown | None) -> dict[str, Any]:
    """Return what all generators want to know, named as Hugo has it."""
    date = front["publishedDateTime"]
    if shown is None:
        return {"date": date, "lastmod": date}
    return {"title": shown.title, "date": date, "lastmod": shown.updated_at, "topics": list(shown.topics), "guid": shown.id}


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
