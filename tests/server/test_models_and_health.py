"""What the server says of itself."""

from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine, engine_card
from tests.serving import Client, error_of, make_context

CREATED = 1_700_000_000


async def test_all_names_of_the_model_are_listed(language_side: LanguageSide) -> None:
    engine = FakeEngine(card=engine_card(max_model_len=100))
    answer = await Client(make_context(engine, language_side)).http.get("/v1/models")
    common = {
        "object": "model",
        "created": CREATED,
        "owned_by": "antiphon",
        "max_model_len": 100,
    }
    assert answer.json() == {
        "object": "list",
        "data": [{"id": "tiny", **common}, {"id": "org/alias", **common}],
    }


async def test_names_are_listed_before_the_model_is_loaded(language_side: LanguageSide) -> None:
    client = Client(make_context(FakeEngine(is_ready=False), language_side))
    models = (await client.http.get("/v1/models")).json()["data"]
    assert [(model["id"], model["max_model_len"]) for model in models] == [
        ("tiny", None),
        ("org/alias", None),
    ]


async def test_model_is_found_by_a_name_with_a_slash(language_side: LanguageSide) -> None:
    client = Client(make_context(FakeEngine(), language_side))
    for path in ("/v1/models/org/alias", "/v1/models/org%2Falias"):
        answer = await client.http.get(path)
        assert answer.json()["id"] == "org/alias"


async def test_unknown_model_is_a_404(language_side: LanguageSide) -> None:
    client = Client(make_context(FakeEngine(), language_side))
    error = error_of(await client.http.get("/v1/models/other"), 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")


async def test_server_is_healthy_at_once_and_ready_once_the_model_is(
    language_side: LanguageSide,
) -> None:
    engine = FakeEngine(is_ready=False)
    client = Client(make_context(engine, language_side))
    assert (await client.http.get("/health")).status_code == 200
    answer = await client.http.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not_ready"})
    engine.is_ready = True
    answer = await client.http.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
