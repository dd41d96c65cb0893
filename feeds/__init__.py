"""News articles in a folder become RSS, Atom and JSON feeds per topic.

>>> from feeds.identity import article_id, slug
>>> slug("Computer Vision")
'computer-vision'
>>> article_id("http://example.org/a/") == article_id("https://EXAMPLE.org/a")
True
"""
