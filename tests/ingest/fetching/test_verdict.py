"""What is taken for an article and what is not."""

from __future__ import annotations

import pytest

from services.ingest.fetching.page import read_page
from services.ingest.fetching.verdict import verdict_of
from tests.ingest.fetching.pages import BODY, PARAGRAPH, page

URL = "https://news.example/2023/06/bali"
SHORT = f"<p>{PARAGRAPH}</p>"
LD = '<script type="application/ld+json">%s</script>'
NOT_FREE = LD % '{"@type":"NewsArticle","isAccessibleForFree":%s}'


def verdict(html: str, asked: str = URL, final: str = URL) -> str | None:
    read = read_page(html, final)
    assert read is not None
    return verdict_of(read, asked, final)


@pytest.mark.parametrize(
    "title",
    [
        "Page not found",
        "404",
        "404 Not Found",
        "Error 404",
        "Page not found | Example News",
        "Example News - 404",
        "404 - Example",
        "Sorry, we can’t find that page",
        "This page doesn't exist",
        "This story is no longer available",
        "Not Found",
        "Seite nicht gefunden – Beispiel",
        "Page introuvable",
        "Página no encontrada",
        "Pagina non trovata",
        "Страница не найдена",
        "The page could not be found",
        "Oops! That page can’t be found.",
        "410 Gone",
        "Article not found",
        "HTTP 404",
        "Fehler 404",
        "ページが見つかりません",
    ],
)
def test_a_page_that_says_it_is_not_there_is_a_soft_404(title: str) -> None:
    assert verdict(page(title, SHORT)) == "soft-404"


def test_so_is_one_without_a_title_and_paragraphs_that_says_so_in_its_text() -> None:
    assert verdict("<html><body><div>Sorry! The page cannot be found.</div></body></html>") == "soft-404"


@pytest.mark.parametrize(
    "title",
    [
        "410 people arrested in protests",
        "My grandfather's Peugeot 404",
        "Access denied to reporters at summit",
        "Love forbidden",
        "Page from Gutenberg Bible sold",
        "Story of a missing page",
        "Just a moment of madness cost him",
        "Flight 404 diverted",
        "Are humans robots?",
        "Security check-in lines grow",
        "Missing boy not yet found",
    ],
)
def test_short_news_with_such_words_is_news(title: str) -> None:
    assert verdict(page(title, SHORT)) is None


def test_a_long_article_about_pages_that_are_not_found_is_an_article() -> None:
    assert verdict(page("404: Page not found, a history")) is None


@pytest.mark.parametrize(
    ("asked", "final"),
    [
        (URL, "https://news.example/"),
        (URL, "https://www.news.example"),
        (URL, "https://news.example/en/"),
        (URL, "https://news.example/index.html"),
        ("https://news.example/gone", "https://news.example/"),
        (URL, "https://other.example/"),
        (URL, "https://news.example/404"),
        (URL, "https://news.example/error/404.html"),
        (URL, "https://news.example/page-not-found/"),
        (URL, "https://news.example/en/not-found"),
    ],
)
def test_a_redirect_to_the_home_page_or_to_a_page_for_errors_is_a_soft_404(asked: str, final: str) -> None:
    assert verdict(page(), asked, final) == "soft-404"


@pytest.mark.parametrize(
    ("asked", "final"),
    [
        (URL, URL + "/"),
        ("http://news.example/", "https://news.example/"),
        (URL, "https://news.example/?p=12"),
        ("https://short.example/x1", "https://news.example/"),
        (URL, "https://news.example/2023/06/bali-summit"),
        ("https://news.example", "https://news.example/en/"),
        (URL, "https://news.example/world/error-in-bali"),
    ],
)
def test_another_redirect_is_none(asked: str, final: str) -> None:
    assert verdict(page(), asked, final) is None


@pytest.mark.parametrize("value", ["false", '"False"', '"false"'])
def test_the_beginning_of_an_article_that_is_not_free_is_a_stub(value: str) -> None:
    assert verdict(page(body=SHORT * 2, head=NOT_FREE % value)) == "paywalled"


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:content_tier" content="locked">',
        '<meta itemprop="isAccessibleForFree" content="False">',
        LD % '{"@graph":[{"@type":"WebSite"},{"isAccessibleForFree":false}]}',
        LD % '[{"@type":"x"},{"mainEntity":{"isAccessibleForFree":false}}]',
    ],
)
def test_however_the_page_says_that_it_is_not_free(head: str) -> None:
    assert verdict(page(body=SHORT, head=head)) == "paywalled"


@pytest.mark.parametrize(
    "sentence",
    [
        "Subscribe to continue reading.",
        "To continue reading, log in or create an account.",
        "Subscribe now to unlock this article",
        "This article is for subscribers only.",
        "You’ve reached your monthly free article limit.",
        "Il vous reste à lire 80% de cet article.",
        "Weiterlesen mit Plus",
        "Contenido solo para suscriptores",
        "Subscriber-only content",
    ],
)
def test_a_short_page_that_asks_for_a_subscription_to_go_on_is_a_stub(sentence: str) -> None:
    assert verdict(page(body=f"{SHORT}<div class=wall>{sentence}</div>")) == "paywalled"


def test_an_article_that_is_whole_although_it_is_not_free_is_taken() -> None:
    assert verdict(page(head=NOT_FREE % "false")) is None


def test_a_short_article_that_is_free_is_taken_whatever_stands_around_it() -> None:
    body = f"{SHORT}<div>Subscribe to continue reading more</div>"
    assert verdict(page(body=body, head=NOT_FREE % "true")) is None


def test_a_short_article_on_a_page_with_a_newsletter_is_taken() -> None:
    assert verdict(page(body=f"{SHORT}<div>Already a subscriber? Sign in. Subscribe for $1.</div>")) is None


@pytest.mark.parametrize(
    "title",
    [
        "Just a moment...",
        "Attention Required! | Cloudflare",
        "Access Denied",
        "Access to this page has been denied.",
        "Are you a robot?",
        "Pardon Our Interruption",
        "403 Forbidden",
        "Before you continue",
    ],
)
def test_a_wall_for_robots_is_seen(title: str) -> None:
    assert verdict(page(title, SHORT)) == "page-blocked"


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><title>News</title></head><body><div id=root></div><script>go()</script></body></html>",
        "<html><head><title>News</title></head><body>Please enable JavaScript to go on.</body></html>",
    ],
)
def test_a_page_that_scripts_would_fill_has_no_text(html: str) -> None:
    assert verdict(html) == "no-text"


def test_an_article_without_paragraphs_is_taken() -> None:
    assert verdict(f"<html><body><div>{PARAGRAPH * 5}</div></body></html>") is None
    assert verdict("<html><body><h1>Quake hits Bali</h1><div>Details follow.</div></body></html>") is None


def test_an_article_is_an_article() -> None:
    assert verdict(page(body=BODY)) is None
