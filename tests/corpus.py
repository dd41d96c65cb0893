"""A site of any size, made up: articles as busy sites keep them, the same for the same seed.

No two articles have the same title; a few share a URL (duplicates), some are unpublished, each has a `secured` payload.
The shares are those of real sites: one article in nine has a body, mostly HTML; related stories are as long as the article itself.
All dates are before `builders.NOON`. The YAML is written by hand, because benchmarks write 100,000 files.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from pathlib import Path
from random import Random

from feeds.identity import slug

_FIRST_DAY = datetime(2019, 1, 1, tzinfo=UTC)
_MINUTES = 1960 * 24 * 60  # up to the middle of May 2024
_TOPICS = (
    "AI", "Computer Vision", "Machine Learning", "Robotics", "Cloud", "Security", "Privacy", "Data Science", "C++", "C#",
    "Low Code", "Law & Order", "人工智能", "Energy", "Énergie", "Health", "Chips", "Games", "Space", "Climate",
    "Education", "Finance", "Mobility", "Open Source", "Quantum", "الذكاء الاصطناعي", "Biotech", "Farming", "Retail", "Telecoms",
    "5G", "Drones", "Speech", "Translation", "Café Culture", "Startups", "Standards", "Elections", "Museums", "Ocean",
)  # fmt: skip
_ZIPF = tuple(accumulate(1 / rank for rank in range(1, len(_TOPICS) + 1)))
_PARENTS = {"AI": None, "Computer Vision": "AI", "Machine Learning": "AI", "Robotics": "machine-learning", "C++": None, "人工智能": "AI"}
_PROVIDERS = tuple(
    (f"{place} {paper}", f"{place}-{paper}.example".lower())
    for place in ("Northern", "Harbour", "Alpine", "Central", "Island", "Delta", "Prairie", "Lakeside", "Desert", "Coastal")
    for paper in ("Herald", "Courier", "Review", "Signal", "Wire", "Ledger")
)
_LANGUAGES = {
    "en": "engineers regulators voters patients pilots farmers models sensors markets batteries contracts satellites test delay approve "
    "question open publish a new quiet costly early public second plan with for after near under rising falling demand reports",
    "fr": "les ingénieurs régulateurs électeurs déjà près où élève cœur forêt naïve façade Straße größer über für später señal mañana "
    "testent retardent publient une nouvelle étude après coûteuse première",
    "zh": "研究人员 新的 模型 发布 人工智能 市场 公司 城市 计划 表示 技术 数据 安全 报告 电池 卫星 试验 医院 学生 政府",
    "ar": "الباحثون نموذج جديد تنشر المدينة خطة تقنية بيانات تقرير بطارية تجربة مستشفى الحكومة السوق شركة اختبار الأمن",
}
_WORDS = {language: words.split() for language, words in _LANGUAGES.items()}
_ENDINGS = ("", "", "", "", "", " 🚀", " – “live”", " &amp; more", ": it&#8217;s here", " (R&amp;amp;D)", ": a \\ path", " 👩🏽‍💻")


def write_corpus(folder: Path, count: int, seed: int = 1) -> None:
    """Write so many article files below a folder, and the data of some topics."""
    known: set[Path] = set()
    for path, text in chain(_topic_data(), articles(count, seed)):
        file = folder / path
        if file.parent not in known:
            file.parent.mkdir(parents=True, exist_ok=True)
            known.add(file.parent)
        file.write_text(text, "utf-8")


def articles(count: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Yield the path, relative to the content folder, and the text of each article file."""
    for number in range(count):
        story = _story(number, seed)
        name = re.sub("[^a-z0-9]+", "-", story.title.lower()).strip("-")[:60]
        yield f"{story.published_at:%Y/%Y-%m-%d}-{name}-{number}.md", _file(story, seed)


@dataclass(frozen=True, slots=True)
class _Story:
    """What every file that tells of an article says: its own, and those that point to it."""

    number: int
    language: str
    title: str
    excerpt: str
    url: str
    published_at: datetime
    provider: tuple[str, str]


def _random(*seeds: int) -> Random:
    return Random(" ".join(map(str, seeds)))  # noqa: S311 - repeatable on purpose


def _story(number: int, seed: int) -> _Story:
    dice = _random(seed, number)
    language = dice.choices(tuple(_WORDS), (8, 2, 1, 1))[0]
    title = f"{_phrase(dice, language, 7)} {number}{dice.choice(_ENDINGS)}"
    published_at = _FIRST_DAY + timedelta(minutes=dice.randrange(_MINUTES), seconds=dice.randrange(60))
    provider = dice.choice(_PROVIDERS)
    name = re.sub("[^a-z]+", "-", title.lower()).strip("-")
    section = dice.choices(("news/", "story/", "", "新闻/"), (40, 30, 26, 4))[0]
    ending = dice.choice(("", "/", ".html", "?id=7&page=1"))
    url = f"https://www.{provider[1]}/{section}{published_at:%Y/%m}/{name}-{number}{ending}"
    return _Story(number, language, title, f"{_phrase(dice, language, 25)}.", url, published_at, provider)


def _phrase(dice: Random, language: str, words: int) -> str:
    phrase = ("" if language == "zh" else " ").join(dice.choices(_WORDS[language], k=words))
    return phrase[0].upper() + phrase[1:]


def _file(story: _Story, seed: int) -> str:
    dice = _random(seed, story.number, 1)
    kind = dice.choices(("article", "video", "download", "course"), (80, 12, 6, 2))[0]
    lines = [
        "---",
        f"category: {dice.choices(('news', 'learning', 'samples', 'stats'), (75, 15, 7, 3))[0]}",
        f"title: {_quoted(story.title)}",
        f"excerpt: {_quoted(story.excerpt)}",
        f"publishedDateTime: {story.published_at:%Y-%m-%dT%H:%M:%SZ}",
        f"originalUrl: {_quoted(_own_url(story, seed))}",
        *([f"webUrl: {_quoted(_own_url(story, seed))}"] if dice.random() < 0.6 else []),
        *(_accelerated(story.url, "") if dice.random() < 0.5 else []),
        *([f"updatedDateTime: {story.published_at + timedelta(hours=3):%Y-%m-%dT%H:%M:%S}+01:00"] if dice.random() < 0.1 else []),
        f"type: {kind}",
        *([f"quality: {dice.randrange(100)}", f"heat: {dice.randrange(100)}"] if dice.random() < 0.6 else []),
        *dice.choices(([], ["published: true"], ["published: false"], ["removed: true"], ["draft: yes"]), (45, 45, 8, 1, 1))[0],
        *([] if story.language == "en" else [f"locale: {story.language}"]),
        *_provider(story.provider, dice, ""),
        "topics:",
        *(f"  - {name}" for name in dict.fromkeys(dice.choices(_TOPICS, cum_weights=_ZIPF, k=dice.randrange(1, 5)))),
        *_images(story, dice, ""),
        *_extras(kind, story, dice),
        *_related(story, dice, seed),
        f'secured: "{_payload(dice, 500)};{_payload(dice, 16)}"',
        "---",
        _body(story, dice),
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _payload(dice: Random, size: int) -> str:
    return b64encode(dice.randbytes(size)).decode()


def _accelerated(url: str, indent: str) -> list[str]:
    host, _, path = url.removeprefix("https://").partition("/")
    copy = f"https://{host.replace('.', '-')}.cdn.example/c/s/{host}/{path}?AMP"
    return [f"{indent}ampWebUrl: {_quoted(url + '?AMP')}", f"{indent}cdnAmpWebUrl: {_quoted(copy)}"]


def _own_url(story: _Story, seed: int) -> str:
    """Return the URL of the article, for a few that of an earlier one."""
    return _story(story.number - 7, seed).url if story.number % 401 == 400 else story.url


def _provider(provider: tuple[str, str], dice: Random, indent: str) -> list[str]:
    name, domain = provider
    lines = [f"{indent}provider:", f"{indent}  name: {name}", f"{indent}  domain: {dice.choice(('', 'www.'))}{domain}"]
    if not indent and dice.random() < 0.2:
        lines += ["  images:", f"    - url: /assets/{domain}-50x50.jpg", "      width: 50", "      height: 50"]
        lines += ["  authors:", f"    - name: {dice.choice(('Ana Pérez', 'Li Wei', 'J. Smith', 'Zoë Öberg'))}"]
    return lines


def _images(story: _Story, dice: Random, indent: str) -> list[str]:
    lines = [f"{indent}images:"]
    for place in range(dice.choices((0, 1, 3), (15, 75, 10))[0]):
        name = f"{story.number}-{place}{dice.choice(('.jpg', '.png', '.webp', ''))}"
        lines.append(f'{indent}  - url: "{dice.choice(("/assets", f"https://img.{story.provider[1]}", "//cdn.example"))}/{name}"')
        lines += [f"{indent}    width: {dice.choice((300, 800, 1200))}", f"{indent}    height: 450", f"{indent}    isCached: true"]
        lines += [f"{indent}    attribution: {story.provider[0]}"] if dice.random() < 0.2 else []
    return lines if len(lines) > 1 else []


def _extras(kind: str, story: _Story, dice: Random) -> list[str]:
    if kind == "video":
        player = f'<iframe src=\\"https://www.youtube.com/embed/v{story.number}\\" width=\\"560\\" allowfullscreen></iframe>'
        return [f'featuredContent: "{player}"', f"length: PT{dice.randrange(1, 90)}M{dice.randrange(60)}S", "price: free"]
    if kind == "download":
        return ["actions:", f'  - url: "https://files.example/{story.number}.zip"', "    type: download", '    title: "Download: source"']
    return []


def _related(story: _Story, dice: Random, seed: int) -> list[str]:
    """Return stories that the article points to; those with a number below its own are articles of the site."""
    lines = ["related:"]
    for _ in range(dice.randrange(5)):
        own = story.number > 0 and dice.random() < 0.4
        other = _story(dice.randrange(story.number) if own else 10_000_000 + dice.randrange(10_000), seed)
        lines += [
            f"  - title: {_quoted(other.title)}",
            f"    excerpt: {_quoted(other.excerpt)}",
            f"    publishedDateTime: {other.published_at:%Y-%m-%dT%H:%M:%SZ}",
            f"    webUrl: {_quoted(other.url)}",
            *_accelerated(other.url, "    "),
            "    type: article",
            *_provider(other.provider, dice, "    "),
            f"    quality: {dice.randrange(100)}",
            *_images(other, dice, "    "),
        ]
    return lines if len(lines) > 1 else []


def _body(story: _Story, dice: Random) -> str:
    """Return nothing, HTML or Markdown."""
    paragraphs = [f"{_phrase(dice, story.language, dice.randrange(20, 70))}." for _ in range(dice.randrange(2, 9))]
    form = dice.random()
    if form < 0.89:
        return ""
    if form < 0.97:
        picture = '<p><img src="/pictures/a.png" onload="x()"> <a href="more">More</a></p>\n'
        return "".join(f"<p>{text}</p>\n" for text in paragraphs) + picture
    return "\n\n".join((f"## {_phrase(dice, story.language, 4)}", *paragraphs, "- [More](/more)\n- **Bold** and `code`", ""))


def _topic_data() -> Iterator[tuple[str, str]]:
    for place, (name, parent) in enumerate(_PARENTS.items()):
        lines = [f"_id: {slug(name)}", f"name: {name}", f"shortname: {name}", *([f"parent: {parent}"] if parent else [])]
        lines += [f"description: News about {name}", "images:", f"  - url: /assets/topics/{slug(name)}.png"]
        yield f"_data/topics/{place:02}-{slug(name)}.yaml", "\n".join((*lines, ""))
