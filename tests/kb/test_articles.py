"""Articles: how they are written, kept clean, found and shown."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.extensions import db
from app.kb import finding
from app.kb.models import Article
from tests.factories import a_category, a_customer, a_supervisor, an_agent, setting, sign_in, sign_in_customer


def an_article(title: str = "Move a license", body: str = "Free it, **then** activate.", **given: object) -> Article:
    article = Article(title=title, body=body, **{"published": True, **given})
    article.settle()
    db.session.add(article)
    db.session.commit()
    return article


def test_markdown_becomes_html_that_cannot_act(client: FlaskClient) -> None:
    article = an_article(
        "T",
        "# Head\n<script>alert(1)</script> <b onclick=x>b</b>\n\n[a](javascript:alert(1)) [b](https://ok.test)\n\n| a |\n|---|\n| 1 |",
    )

    assert "<script" not in article.html and "onclick" not in article.html.replace("&lt;b onclick", "")
    assert 'href="javascript' not in article.html
    assert 'href="https://ok.test"' in article.html and "<table>" in article.html


def test_an_address_is_made_from_the_title_and_is_never_taken_twice(client: FlaskClient) -> None:
    assert [
        an_article("Größe & Maß!").slug,
        an_article("größe maß").slug,
        an_article("發票 101").slug,
        an_article("!!!").slug,
    ] == ["größe-maß", "größe-maß-2", "發票-101", "article"]
    assert client.get("/help/發票-101").status_code == 200


@pytest.mark.parametrize(("title", "body"), [("", "b"), ("  \n", "b"), ("t", "  ")])
def test_an_article_needs_a_title_and_words(client: FlaskClient, title: str, body: str) -> None:
    with pytest.raises(Invalid):
        an_article(title, body)


@pytest.mark.parametrize(
    ("query", "found"),
    [("license", ["Move a license", "Keys"]), ("LICENSE move", ["Move a license"]), ("lic", ["Move a license", "Keys"]), ("cafe", ["Café"]), ("CAFÉ", ["Café"]), ("nothing", []), ("", []), ("' %_*", []), ("發票", ["帳單"]), ("cense", [])],
)  # fmt: skip
def test_words_find_articles_whatever_their_case_and_accents(client: FlaskClient, query: str, found: list[str]) -> None:
    an_article("Keys", "Your license key stands in your account.")
    an_article()
    an_article("Café", "Coffee.")
    an_article("帳單", "您的發票在這裡")
    an_article("Draft about license", published=False)

    assert [article.title for article in finding.matching(query)] == found


def test_suggestions_need_telling_words(client: FlaskClient) -> None:
    an_article("Move a license to another server")

    assert [article.title for article in finding.suggestions("my license is rejected")] == [
        "Move a license to another server"
    ]
    assert finding.suggestions("it is to a") == []
    assert finding.suggestions("completely other question") == []


def test_the_help_center_shows_published_articles_alone(client: FlaskClient) -> None:
    category = a_category("Licences")
    shown, draft = an_article(category_id=category.id), an_article("A draft", published=False, category_id=category.id)

    for path in ("/help/", "/help/all", f"/help/topic/{category.id}", "/help/?q=license", f"/help/{shown.slug}"):
        text = client.get(path).text
        assert "Move a license" in text, path
        assert "A draft" not in text, path
    assert client.get(f"/help/{draft.slug}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/help/none", "/help/topic/0", "/help/topic/99999999999999999999999", "/help/%00", "/help/..%2f"]
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_search_says_what_was_looked_for_and_runs_nothing(client: FlaskClient) -> None:
    text = client.get("/help/?q=<script>x</script>").text

    assert "0 articles for “&lt;script&gt;x&lt;/script&gt;”" in text
    assert client.get("/help/?q=" + "x" * 5000).status_code == 200


def test_a_private_help_center_asks_visitors_to_sign_in(client: FlaskClient, app) -> None:  # type: ignore[no-untyped-def]
    article = an_article()
    setting(help_public=False)
    sign_in_customer(client, a_customer())
    visitor = app.test_client()

    assert client.get(f"/help/{article.slug}").status_code == 200
    for path in ("/help/", "/help/all", f"/help/{article.slug}", "/help/none", "/help/topic/1"):
        assert visitor.get(path).status_code == 302


def test_a_supervisor_writes_an_article_in_the_desk(client: FlaskClient) -> None:
    sign_in(client, a_supervisor())
    category = a_category("Licences")
    db.session.commit()

    assert client.get("/admin/articles/list/").status_code == 200
    assert client.get("/admin/articles/add").status_code == 200
    answer = client.post(
        "/admin/articles/add",
        data={
            "title": "New one",
            "body": "Some *words*",
            "category": category.id,
            "published": "y",
            "position": "3",
            "slug": "",
        },
    )

    assert answer.status_code == 302, re.findall(r'(?s)role="alert"[^>]*>(.*?)</', answer.text)
    article = db.session.scalars(select(Article)).one()
    assert (article.slug, article.html.strip(), article.category_id, article.position) == (
        "new-one",
        "<p>Some <em>words</em></p>",
        category.id,
        3,
    )
    edited = client.post(
        f"/admin/articles/edit/{article.id}",
        data={"title": "New one", "body": "Other <script>", "position": "1", "slug": "my one"},
    )
    assert edited.status_code == 302
    db.session.expire_all()
    assert (article.slug, article.published, "<script>" in article.html) == ("my-one", False, False)


def test_an_agent_reads_articles_and_changes_none(client: FlaskClient) -> None:
    article = an_article()
    sign_in(client, an_agent())

    assert client.get(f"/admin/articles/show/{article.id}").status_code == 200
    assert client.get("/admin/articles/add").status_code in (302, 403)
    client.post(f"/admin/articles/edit/{article.id}", data={"title": "Hacked", "body": "x"})
    db.session.expire_all()
    assert article.title == "Move a license"
