"""Finding articles by words: SQLite's FTS5 over the words that `feeds.words` makes. Knows that index and nothing of words.

The index keeps no text (`content=''`), so what was put in has to be said again to be taken out.
Spec: https://www.sqlite.org/fts5.html, sections 4.4.3 and 6.
"""

from sqlalchemy import Connection, TextClause, text

from feeds.model import Article
from feeds.words import indexed_words


def create(connection: Connection) -> None:
    """Create the index. Its tokenizer only parts at spaces: the words are made and folded already."""
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE word_index USING fts5(words, content='', columnsize=0, detail=none, tokenize=\"ascii tokenchars '+#'\")"
    )


def put(connection: Connection, articles: list[tuple[int, Article]]) -> None:
    """Add articles, by the id of their file, which must not be in the index."""
    if articles:
        rows = [(file_id, _text(article)) for file_id, article in articles]
        connection.exec_driver_sql("INSERT INTO word_index(rowid, words) VALUES (?, ?)", rows)


def drop(connection: Connection, file_id: int, article: Article) -> None:
    """Take an article out; it must be the one that was put in."""
    statement = "INSERT INTO word_index(word_index, rowid, words) VALUES ('delete', ?, ?)"
    connection.exec_driver_sql(statement, (file_id, _text(article)))


def forget(connection: Connection) -> None:
    """Overwrite what was dropped; until then its words still stand in the index's pages."""
    connection.exec_driver_sql("INSERT INTO word_index(word_index) VALUES ('optimize')")


def having(words: tuple[str, ...]) -> TextClause:
    """Return a condition on `articles`: to have all of the words."""
    sought = " AND ".join(f'"{word}"' for word in words)
    return text("articles.id IN (SELECT rowid FROM word_index WHERE word_index MATCH :sought)").bindparams(sought=sought)


def _text(article: Article) -> str:
    """Return what an article is found by, as words with spaces between them."""
    provider = "" if article.provider is None else article.provider.name
    return " ".join(indexed_words(f"{article.title} {article.excerpt or ''} {provider}"))
