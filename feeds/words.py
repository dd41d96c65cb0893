"""Text -> the words by which it is found. Knows Unicode; knows no database, so that all of them find the same.

Words are runs of letters, digits and marks, folded, Latin, Greek and Cyrillic ones without accents; `+` and `#` behind a
word belong to it (`C++` is found as such, and as `c`). Scripts that put no spaces between words are cut into single
characters and pairs; who looks for several characters finds texts that have each pair of neighbours.
"""

import re
import unicodedata
from functools import cache, lru_cache
from itertools import chain, pairwise

_ACCENTS = re.compile("[\u0300-\u036f]")
# Thai and Lao, Burmese, Khmer, kana, Han with its extensions and compatibility forms, Hangul.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(r"[^\s+#]+[+#]*")
_REPEATED_LENGTH = 24  # characters; most pieces that short stand in many texts
_LONGEST = 64  # characters of a word that count; an index can't hold words of any length
_MOST_LETTERS = 20_000  # that are remembered; far more than any language has


class _Kept(dict[int, str]):
    """What becomes of a character, by its code point, found out when it is first met: it stays, or is a space between words."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = character if unicodedata.category(character)[0] in "LNM" or character in "+#" else " "
        if len(self) < _MOST_LETTERS:
            self[code] = kept
        return kept


_KEPT = _Kept()


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).casefold()


def _runs(text: str) -> list[str]:
    """Return the runs of word characters, each with the signs behind it."""
    kept = _folded(text).translate(_KEPT)
    # Where no sign stands, runs are what stands between spaces, which is found much faster.
    return _RUN.findall(kept) if "+" in kept or "#" in kept else kept.split()


def indexed_words(text: str) -> tuple[str, ...]:
    """Return every word by which a text is to be found, each once, in the order in which they come."""
    # No word goes on over white space, however it is folded.
    return tuple(dict.fromkeys(chain.from_iterable(map(_words_of_piece, text.split()))))


def _words_of_piece(piece: str) -> tuple[str, ...]:
    return _repeated_piece(piece) if len(piece) <= _REPEATED_LENGTH else _words_of(piece)


def _words_of(piece: str) -> tuple[str, ...]:
    words: list[str] = []
    for run in _runs(piece):
        for part in _patterns()[0].findall(run):
            words += (*part, *_pairs(part)) if _is_unspaced(part) else (part, part.rstrip("+#"))
    return tuple(dict.fromkeys(word[:_LONGEST] for word in words if word))


def _is_unspaced(text: str) -> bool:
    return _patterns()[1].match(text) is not None


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds the words of a run, and what is the start of one in such a script; to make them takes 5 ms."""
    return re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+?(?=[{_UNSPACED}]|$)"), re.compile(f"[{_UNSPACED}]")


_repeated_piece = lru_cache(maxsize=16_384)(_words_of)  # nearly all words stand in many texts


def sought_words(text: str) -> tuple[str, ...]:
    """Return the words that a text must all have to be found by a query, sorted, each once."""
    words: set[str] = set()
    for run in _runs(text):
        for piece in _patterns()[0].findall(run):
            words.update(_pairs(piece) if len(piece) > 1 and _is_unspaced(piece) else (piece,))
    return tuple(sorted({word[:_LONGEST] for word in words}))


def _pairs(piece: str) -> list[str]:
    return [first + second for first, second in pairwise(piece)]
