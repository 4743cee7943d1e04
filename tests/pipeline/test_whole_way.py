"""From a submit to a search result, through three services, from outside."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest

from tests.pipeline.conftest import Stack
from tests.pipeline.steps import receipt, search, story, submit, submit_and_wait, wait_for, word_of
from tests.support import eventually

pytestmark = pytest.mark.process
Client = httpx2.AsyncClient


async def test_an_accepted_article_is_found_exactly_once_within_a_second_or_so(
    ingest: Client, index: Client
) -> None:
    article = story()
    answer = await submit(ingest, article)
    assert answer["status"] == "accepted" and answer["revision"] == 1
    found = await wait_for(ingest, answer)
    assert [entry["stage"] for entry in found["timeline"]] == ["accepted", "enriched", "indexed"]
    page = await search(index, word_of(article))
    assert page["total"] == 1 and page["exact"] is True
    assert page["hits"][0]["id"] == answer["id"]
    assert f"<mark>{word_of(article)}</mark>" in page["hits"][0]["highlights"]["title"]


async def test_the_served_article_is_enriched(ingest: Client, index: Client) -> None:
    answer = await submit_and_wait(ingest, story(unknown_field={"kept": True}))
    article = (await index.get(f"/v1/articles/{answer['id']}")).json()
    names = {(entity["label"], entity["canonical"]) for entity in article["entities"]}
    assert ("GPE", "Rotterdam") in names and ("PERSON", "Ilse Verhoeven") in names
    for entity in article["entities"]:
        for mention in entity["mentions"]:
            assert article["body"][mention["start"] : mention["end"]], entity
    rotterdam = next(entity for entity in article["entities"] if entity["canonical"] == "Rotterdam")
    start, end = rotterdam["mentions"][0].values()
    assert article["body"][start:end] == "Rotterdam"
    assert article["language"]["code"] == "en"
    assert -1 <= article["sentiment"]["score"] <= 1
    assert article["keyphrases"] and article["story_id"]
    assert article["extra"] == {"unknown_field": {"kept": True}}
    assert article["provenance"]["door"] == "api" and article["provenance"]["versions"]["entities"]
    assert article["canonical_url"] == article["url"] and article["indexed_at"] >= article["received_at"]


async def test_submitting_it_again_is_a_duplicate_and_changes_nothing(ingest: Client, index: Client) -> None:
    article = story()
    first = await submit_and_wait(ingest, article)
    again = await submit(ingest, article | {"url": article["url"] + "?utm_source=mail#top"})
    assert (again["id"], again["revision"], again["status"]) == (first["id"], 1, "duplicate")
    assert (await receipt(ingest, first["id"]))["duplicates"] == 1
    assert (await search(index, word_of(article)))["total"] == 1


async def test_a_changed_article_replaces_its_older_revision(ingest: Client, index: Client) -> None:
    article = story()
    first = await submit_and_wait(ingest, article)
    changed = await submit_and_wait(ingest, article | {"body": article["body"] + " Correction: in autumn."})
    assert (changed["id"], changed["revision"]) == (first["id"], 2)
    assert (await search(index, f"{word_of(article)} autumn"))["total"] == 1
    assert (await search(index, word_of(article)))["total"] == 1


async def test_an_older_revision_that_comes_late_does_not_win(ingest: Client, index: Client) -> None:
    article = story()
    third = await submit_and_wait(ingest, article | {"revision": 3, "title": f"Third {word_of(article)}"})
    await submit(ingest, article | {"revision": 2, "title": f"Second {word_of(article)}"})
    marker = await submit_and_wait(ingest, story())
    assert marker["status"] == "accepted"
    served = (await index.get(f"/v1/articles/{third['id']}")).json()
    assert served["title"] == f"Third {word_of(article)}" and served["revision"] == 3


async def test_a_takedown_is_final_until_it_is_restored(ingest: Client, index: Client) -> None:
    article = story()
    answer = await submit_and_wait(ingest, article)
    url = f"/v1/articles/{answer['id']}"
    gone = await ingest.delete(url, params={"reason": "court order"})
    assert gone.status_code == 202

    async def answers_410() -> bool:
        return (await index.get(url)).status_code == 410

    await eventually(answers_410)
    assert (await search(index, word_of(article)))["total"] == 0
    assert "court order" in (await index.get(url)).json()["detail"]
    assert (await receipt(ingest, answer["id"]))["status"] == "retracted"

    refused = await ingest.post("/v1/articles", json=article)
    assert refused.status_code == 409 and "restore" in refused.json()["detail"]
    restored = await submit_and_wait(ingest, article, restore="true")
    assert restored["status"] == "accepted"
    assert (await index.get(url)).status_code == 200
    assert (await search(index, word_of(article)))["total"] == 1


async def test_a_takedown_before_its_article_still_wins(ingest: Client, index: Client) -> None:
    article = story()
    twin = await submit_and_wait(ingest, story())  # to learn that the pipeline is at rest
    known = await submit(ingest, article)
    await ingest.delete(f"/v1/articles/{known['id']}")
    await submit_and_wait(ingest, story())
    assert twin["status"] == "accepted"

    async def gone() -> bool:
        return (await index.get(f"/v1/articles/{known['id']}")).status_code == 410

    await eventually(gone)


async def test_the_same_submit_a_hundred_times_at_once_is_one_document(ingest: Client, index: Client) -> None:
    article = story()
    responses = await asyncio.gather(*(ingest.post("/v1/articles", json=article) for _ in range(100)))
    statuses = [response.json()["status"] for response in responses]
    assert statuses.count("accepted") == 1 and statuses.count("duplicate") == 99
    await wait_for(ingest, responses[0].json())
    assert (await search(index, word_of(article)))["total"] == 1


async def test_a_bad_line_of_a_batch_does_not_sink_its_neighbours(ingest: Client, index: Client) -> None:
    good, other = story(), story()
    lines = [
        json.dumps(good).encode(),
        b'{"title": ',
        b'{"title": 7}',
        b"\xff\xfe",
        json.dumps(other).encode(),
    ]
    response = await ingest.post(
        "/v1/articles/batch", content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    assert response.status_code == 200
    report = response.json()
    assert (report["accepted"], report["duplicates"], report["rejected"]) == (2, 0, 3)
    assert [row["status"] for row in report["results"]] == [
        "accepted", "rejected", "rejected", "rejected", "accepted",
    ]  # fmt: skip
    assert all(row["error"] for row in report["results"] if row["status"] == "rejected")
    for article in (good, other):

        async def found(word: str = word_of(article)) -> bool:
            return bool((await search(index, word))["total"] == 1)

        await eventually(found)


async def test_two_reports_of_one_event_are_related_and_one_story(ingest: Client, index: Client) -> None:
    word = word_of(story())
    body = (
        f"Ferry {word} ran aground off Kuressaare with 212 passengers aboard, the Estonian coast guard said. "
        f"Captain Jaan Tamm of the {word} blamed a faulty buoy. Tugboats pulled at the hull all night."
    )
    later = (
        f"Tugboats freed the ferry {word} off Kuressaare on Thursday. Captain Jaan Tamm told the coast guard "
        "that a buoy had failed; all 212 passengers were taken ashore and the hull will be inspected."
    )
    first = await submit_and_wait(ingest, story(word, title=f"Ferry {word} aground", body=body))
    second = await submit_and_wait(
        ingest, story(word + "x", title=f"Ferry {word} freed after a night", body=later, source="Baltic Wire")
    )
    served = (await index.get(f"/v1/articles/{second['id']}")).json()
    links = [link for link in served["related"] if link["id"] == first["id"]]
    assert links and links[0]["why"]
    assert served["story_id"] == (await index.get(f"/v1/articles/{first['id']}")).json()["story_id"]
    page = (await index.get(f"/v1/articles/{first['id']}/related")).json()
    assert second["id"] in [link["id"] for link in page["related"]]
    # With the word, for a deployment that is tested twice has the reports of the first time in the story.
    assert (await search(index, word, story=served["story_id"]))["total"] == 2


async def test_filters_and_facets_agree(ingest: Client, index: Client) -> None:
    source = f"Outlet {word_of(story())}"
    for published in ("2026-10-01T08:00:00Z", "2026-11-01T08:00:00Z"):
        await submit_and_wait(ingest, story(source=source, published_at=published))
    page = await search(index, source=source, facets="sources,entities,languages")
    assert page["total"] == 2
    # What others have is counted too, so that one can choose several.
    assert {facet["value"]: facet["count"] for facet in page["facets"]["sources"]}[source] == 2
    values = {facet["value"]: facet["count"] for facet in page["facets"]["entities"]}
    assert values["GPE:Rotterdam"] == 2
    assert (await search(index, source=source, entity="GPE:Rotterdam"))["total"] == 2
    assert (await search(index, source=source, entity="Rotterdam"))["total"] == 2
    assert (await search(index, source=source, **{"from": "2026-10-15"}))["total"] == 1
    assert (await search(index, source=source, to="2026-10-01"))["total"] == 1
    newest = await search(index, source=source, sort="newest", size=1)
    assert newest["hits"][0]["published_at"].startswith("2026-11-01")
    rest = await search(index, source=source, sort="newest", size=1, cursor=newest["next_cursor"])
    assert rest["hits"][0]["published_at"].startswith("2026-10-01")


@pytest.mark.parametrize(
    "query",
    [
        "(" * 5000,
        '"',
        "AND OR NOT",
        "field:x",
        "a" * 5000,
        "\x00\x01",
        "title:",
        "[a TO",
        "*",
        "~",
        "^9",
        "-",
        "🦊 OR",
        "%s' OR 1=1 --",
    ],
    ids=lambda query: repr(query[:10]),
)
async def test_a_hostile_query_is_answered(index: Client, query: str) -> None:
    response = await index.get("/v1/search", params={"q": query, "lenient": "true"})
    assert response.status_code == 200, response.text
    assert "hits" in response.json()


@pytest.mark.parametrize(
    "params",
    [{"size": "0"}, {"size": "101"}, {"size": "x"}, {"sort": "oldest"}, {"cursor": "x"}, {"from": "soon"},
     {"facets": "nothing"}, {"count": "all"}, {"sentiment": "glad"}, {"q": "(", "strict": "true"}],
    ids=str,
)  # fmt: skip
async def test_a_bad_parameter_is_a_problem_that_names_it(index: Client, params: dict[str, str]) -> None:
    response = await index.get("/v1/search", params=params)
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
    name = next(iter(params))
    assert name in response.text


async def test_unknown_articles_are_404(ingest: Client, index: Client) -> None:
    assert (await index.get("/v1/articles/" + "0" * 32)).status_code == 404
    assert (await ingest.get(f"/v1/articles/{'0' * 32}/receipt")).status_code == 404
    assert (await index.get("/v1/articles/nonsense")).status_code in (404, 422)


async def test_health_says_ready_and_metrics_count(ingest: Client, index: Client) -> None:
    for client in (ingest, index):
        assert (await client.get("/livez")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
    text = (await ingest.get("/metrics")).text
    assert 'wireroom_articles_accepted_total{door="api"}' in text
    assert "wireroom_searchable_seconds_count" in (await index.get("/metrics")).text


async def test_an_article_without_any_text_left_is_a_dead_letter_with_its_reason(
    ingest: Client, stack: Stack
) -> None:
    answer = await submit(
        ingest,
        {"html": "<p> </p><script>var word = 1;</script>", "url": f"https://e.example/{word_of(story())}"},
    )
    found = await wait_for(ingest, answer, "dead_lettered")
    assert "no text is left" in found["timeline"][-1]["detail"]
    letters = (await ingest.get("/v1/dead-letters", params={"reason": "unprocessable_article"})).json()
    mine = [letter for letter in letters["dead_letters"] if letter["article_id"] == answer["id"]]
    assert len(mine) == 1
    assert (await ingest.delete(f"/v1/dead-letters/{mine[0]['id']}")).status_code in (200, 202, 204)


async def test_ninjs_comes_out_as_it_came_in_with_ours_beside_it(ingest: Client, index: Client) -> None:
    word = word_of(story())
    item = {
        "standard": {"name": "ninjs", "version": "3.1"},
        "uri": f"urn:x-test:{word}",
        "version": "2",
        "headlines": [{"role": "main", "value": f"Harbour {word} opens in Rotterdam"}],
        "bodies": [
            {"role": "main", "value": f"Ilse Verhoeven opened the {word} harbour in Rotterdam on Monday."}
        ],
        "people": [{"name": "Ilse Verhoeven", "uri": "https://people.example/7"}],
        "usageTerms": "Not for print",
    }
    answer = await submit(ingest, item)
    await wait_for(ingest, answer)
    article = (await index.get(f"/v1/articles/{answer['id']}")).json()
    origins = {(one["canonical"], one["origin"]) for one in article["entities"]}
    assert ("Ilse Verhoeven", "publisher") in origins and ("Rotterdam", "wireroom") in origins
    assert article["provenance"]["door"] == "ninjs"
    out = (await index.get(f"/v1/articles/{answer['id']}", params={"format": "ninjs"})).json()
    assert {name: out[name] for name in ("uri", "version", "usageTerms")} == {
        name: item[name] for name in ("uri", "version", "usageTerms")
    }
    assert item["people"][0] in out["people"]
    assert (await search(index, word, facets="entities"))["total"] == 1
    # What came out can go in again: it is the same item.
    again = await submit(ingest, out)
    assert again["id"] == answer["id"]
    await submit(ingest, {"uri": item["uri"], "pubStatus": "canceled"})

    async def gone() -> bool:
        return (await index.get(f"/v1/articles/{answer['id']}")).status_code == 410

    await eventually(gone)
