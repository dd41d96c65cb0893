"""The HTML inside an entry: its content, pictures and related stories. Knows HTML; knows no feed format."""

from html import escape

from feeds.model import Article, Image, Related


def text_as_html(text: str) -> str:
    """Return plain text as HTML that shows the same, paragraphs kept."""
    paragraphs = (" ".join(paragraph.split("\n")).strip() for paragraph in text.replace("\r\n", "\n").split("\n\n"))
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs if paragraph)


def content(article: Article, pictures: tuple[Image, ...], related: tuple[Related, ...]) -> str:
    """Return what an entry shows: the body, else the excerpt, else the title; then pictures; then related stories.

    A picture that the body shows already is not repeated.
    """
    body = article.content_html or text_as_html(article.excerpt or article.title) or text_as_html(article.url)
    shown = "".join(_picture(image) for image in pictures if escape(image.url) not in body)
    return body + shown + (_related(related) if related else "")


def _picture(image: Image) -> str:
    size = "".join(f' {name}="{value}"' for name, value in (("width", image.width), ("height", image.height)) if value)
    caption = " – ".join(text for text in (image.title, image.credit) if text)
    picture = f'<img src="{escape(image.url)}" alt="{escape(image.title or "")}"{size}>'
    return f"<p>{picture}</p>" if not caption else f"<figure>{picture}<figcaption>{escape(caption, quote=False)}</figcaption></figure>"


def _related(related: tuple[Related, ...]) -> str:
    items = "".join(
        f'<li><a href="{escape(story.url)}">{escape(story.title, quote=False)}</a>'
        f"{f' ({escape(story.provider.name, quote=False)})' if story.provider else ''}</li>"
        for story in related
    )
    return f"<p>Related stories:</p><ul>{items}</ul>"
