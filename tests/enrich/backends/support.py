"""Articles as backends are given them."""

from __future__ import annotations

from services.enrich.backends import ArticleText
from tests.support import NOW, article_id


def article(body: str, title: str = "", language: str = "en") -> ArticleText:
    return ArticleText(article_id(body), title, body, language, NOW)
