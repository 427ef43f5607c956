"""Everything that is refused: before the first byte, in one shape, with an id."""

import json
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from antiphon.engine.errors import (
    EngineOverloaded,
    EngineUnavailable,
    InvalidPrompt,
    PromptTooLong,
)
from antiphon.engine.outputs import FinishReason
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.context import Limits
from tests.fake_engine import FakeEngine, Script, engine_card
from tests.serving import Client, EncodePieces, error_of, make_context


@pytest.fixture
def client(language_side: LanguageSide) -> Client:
    return Client(make_context(FakeEngine(), language_side, Limits(max_body_bytes=1000)))


async def test_malformed_json_is_a_400(client: Client) -> None:
    answer = await client.http.post(
        "/v1/responses", content=b"{", headers={"content-type": "application/json"}
    )
    assert error_of(answer, 400)["code"] == "invalid_json"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("refusal", "status", "kind", "code", "param"),
    [
        (PromptTooLong(9, 8), 400, "invalid_request", "context_length_exceeded", "input"),
        (InvalidPrompt("Empty."), 400, "invalid_request", "invalid_prompt", "input"),
        (EngineOverloaded("Full."), 429, "too_many_requests", "too_many_requests", None),
        (EngineUnavailable("Restarting."), 503, "server_error", "model_not_ready", None),
    ],
)
async def test_refusal_of_the_engine_comes_before_the_first_byte(
    refusal: Exception,
    status: int,
    kind: str,
    code: str,
    param: str | None,
    stream: bool,
    language_side: LanguageSide,
) -> None:
    client = Client(make_context(FakeEngine(refusal=refusal), language_side))
    answer = await client.http.post("/v1/responses", json={"input": "Hi", "stream": stream})
    assert error_of(answer, status) == {
        "type": kind,
        "code": code,
        "message": str(refusal),
        "param": param,
    }
    assert ("retry-after" in answer.headers) == (status in (429, 503))


async def test_prompt_beyond_the_context_is_refused_with_its_length(
    language_side: LanguageSide,
) -> None:
    engine = FakeEngine(card=engine_card(max_model_len=16))
    error = await Client(make_context(engine, language_side)).refusal(400, input="word " * 50)
    assert error["code"] == "context_length_exceeded"
    assert error["param"] == "input"


async def test_unknown_model_is_a_404_that_names_it(client: Client) -> None:
    error = await client.refusal(404, model="gpt-5")
    assert (error["type"], error["code"]) == ("not_found", "model_not_found")
    assert error["param"] == "model"
    assert "gpt-5" in error["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 2.1),
        ("temperature", -1),
        ("top_p", -0.5),
        ("min_p", 2),
        ("presence_penalty", 3),
        ("repetition_penalty", 0),
        ("seed", 2**63),
        ("logit_bias", {"5": 101}),
        ("logit_bias", {"512": 1}),
    ],
)
async def test_value_out_of_range_names_its_field(
    field: str, value: object, client: Client
) -> None:
    error = await client.refusal(400, **{field: value})
    assert (error["code"], error["param"]) == ("invalid_parameter", field)


async def test_template_that_refuses_is_a_400_in_its_own_words(
    language_side: LanguageSide,
) -> None:
    template = ChatTemplate("{{ raise_exception('Roles must alternate.') }}", {})
    refusing = replace(language_side, chat_template=template)
    error = await Client(make_context(FakeEngine(), refusing)).refusal(400)
    assert (error["code"], error["param"]) == ("chat_template_error", "input")
    assert "Roles must alternate." in error["message"]


async def test_model_without_a_chat_template_is_a_400(language_side: LanguageSide) -> None:
    base = replace(language_side, chat_template=None, abilities=None)
    error = await Client(make_context(FakeEngine(), base)).refusal(400)
    assert error["code"] == "chat_template_error"


@pytest.mark.parametrize("nothing", [None, []])
async def test_request_without_any_message_is_a_400(nothing: object, client: Client) -> None:
    error = await client.refusal(400, input=nothing)
    assert (error["code"], error["param"]) == ("invalid_parameter", "input")


@pytest.mark.parametrize("has_length", [True, False])
async def test_body_that_is_too_large_is_a_413(has_length: bool, client: Client) -> None:
    async def chunks() -> object:
        for _ in range(20):
            yield b" " * 100

    content = b" " * 2000 if has_length else chunks()
    answer = await client.http.post(
        "/v1/responses",
        content=content,  # type: ignore[arg-type]
        headers={"content-type": "application/json"},
    )
    assert error_of(answer, 413)["code"] == "request_too_large"


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data"])
async def test_body_that_is_not_declared_as_json_is_a_415(media_type: str, client: Client) -> None:
    answer = await client.http.post(
        "/v1/responses", content=b"{}", headers={"content-type": media_type}
    )
    error = error_of(answer, 415)
    assert error["code"] == "unsupported_media_type"
    assert media_type in error["message"]


async def test_declaration_may_have_parameters_and_may_be_missing(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = Client(make_context(FakeEngine(Script(said("Hi"))), language_side))
    body = json.dumps({"input": "Hi"}).encode()
    for headers in ({}, {"content-type": "Application/JSON; charset=utf-8"}):
        answer = await client.http.post("/v1/responses", content=body, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/responses/"])
async def test_unknown_path_is_a_404_in_the_same_shape(path: str, client: Client) -> None:
    error = error_of(await client.http.get(path), 404)
    assert (error["type"], error["code"]) == ("not_found", "unknown_path")


async def test_wrong_method_is_a_405_that_says_which_is_allowed(client: Client) -> None:
    answer = await client.http.get("/v1/responses")
    assert error_of(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == "POST"
    answer = await client.http.put("/v1/responses/resp_1")
    assert answer.headers["allow"] == "DELETE, GET"
    assert (await client.http.head("/health")).status_code == 200


async def test_unexpected_exception_is_a_500_that_gives_nothing_away(
    language_side: LanguageSide, caplog: pytest.LogCaptureFixture
) -> None:
    engine = FakeEngine(refusal=ZeroDivisionError("secret"))
    error = await Client(make_context(engine, language_side)).refusal(500)
    assert error["type"] == "server_error"
    assert "secret" not in error["message"]
    assert "secret" in caplog.text


async def test_request_id_of_the_client_comes_back_on_answers_and_errors(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    client = Client(make_context(FakeEngine(Script(said("Hi"))), language_side))
    headers = {"x-request-id": "mine-1"}
    for path in ("/health", "/nowhere"):
        answer = await client.http.get(path, headers=headers)
        assert answer.headers["x-request-id"] == "mine-1"
    for stream in (False, True):
        body = {"input": "Hi", "stream": stream}
        answer = await client.http.post("/v1/responses", json=body, headers=headers)
        assert answer.headers.get_list("x-request-id") == ["mine-1"]


@pytest.mark.parametrize("unusable", ["", "x" * 129, "tab\there"])
async def test_unusable_request_id_is_replaced(unusable: str, client: Client) -> None:
    answer = await client.http.get("/health", headers={"x-request-id": unusable})
    assert answer.headers["x-request-id"].startswith("req_")


async def test_before_the_model_is_loaded_requests_are_a_503(language_side: LanguageSide) -> None:
    def not_yet() -> LanguageSide:
        raise EngineUnavailable("The model is still loading.")

    engine = FakeEngine(is_ready=False)
    context = make_context(engine, language_side)
    app: FastAPI = create_app(replace(context, language_side=not_yet))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/v1/responses", json={"input": "Hi"})
    assert error_of(answer, 503)["code"] == "model_not_ready"
    assert int(answer.headers["retry-after"]) > 0


async def test_no_sequence_is_submitted_for_a_refused_request(
    language_side: LanguageSide,
) -> None:
    engine = FakeEngine(Script([[5]], FinishReason.LENGTH))
    client = Client(make_context(engine, language_side))
    wrongs: list[dict[str, object]] = [
        {"temperature": 9},
        {"model": "other"},
        {"background": True, "store": False},
        {"input": []},
    ]
    for wrong in wrongs:
        answer = await client.http.post("/v1/responses", json={"input": "Hi", **wrong})
        assert answer.status_code in (400, 404)
    assert engine.generations == []
