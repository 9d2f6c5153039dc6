"""Calls of the official Python SDK's typed methods, as an app or as a user, with a record of the calls."""

import asyncio
import inspect
import json
import typing

import lark_oapi as lark


def client(server, app, given_tokens=False):
    """A client; one with given tokens fetches none."""
    builder = lark.Client.builder().app_id(app["app_id"]).app_secret(app["app_secret"]).domain(server.url)
    builder = builder.oauth_base_url(server.url).enable_set_token(given_tokens)
    return builder.log_level(lark.LogLevel.ERROR).build()


def good(answer):
    """The data of a call that must succeed."""
    assert answer.success(), (answer.code, answer.msg, answer.raw.status_code, answer.raw.content)
    # Answers without data have no such field.
    return getattr(answer, "data", None)


def refused(answer, code, status=400):
    """Checks that a refusal shows through the SDK: code, text, log id, status."""
    assert (answer.code, answer.raw.status_code) == (code, status), (answer.code, answer.raw.content)
    assert answer.msg and not answer.success(), answer.raw.content
    # With await, header names are in lower case, so the SDK itself does not find the log id.
    log_id = answer.get_log_id() or answer.raw.headers["x-tt-logid"]
    assert log_id == answer.error["log_id"], (answer.raw.headers, answer.error)


def raw(method, uri, queries=(), body=None, tokens=(lark.AccessTokenType.TENANT,)):
    """A request without a typed method."""
    request = lark.BaseRequest.builder().http_method(method).uri(uri).token_types(set(tokens))
    return request.queries(list(queries)).body(body).build()


def as_user(token):
    return lark.RequestOption.builder().user_access_token(token).build()


def make(model, fields):
    """An object of one of the SDK's models, by its own builder."""
    builder = model.builder()
    for name, value in fields.items():
        setter = getattr(builder, name)
        kind = next(iter(inspect.signature(setter).parameters.values())).annotation
        setter(of_kind(kind, value))
    return builder.build()


def of_kind(kind, value):
    inner = typing.get_args(kind)
    if isinstance(value, list) and inner:
        return [of_kind(inner[0], one) for one in value]
    return make(kind, value) if isinstance(value, dict) and hasattr(kind, "builder") else value


def request_class(method):
    """The class of the requests that a typed method takes, if it is one of those."""
    parameter = inspect.signature(method).parameters.get("request")
    return parameter.annotation if parameter and hasattr(parameter.annotation, "builder") else None


def routed(request):
    """HTTP method and path, in which parameters stand as {name}."""
    path = "/".join("{" + part[1:] + "}" if part.startswith(":") else part for part in request.uri.split("/"))
    return request.http_method.name, path


def typed_methods(api):
    """Every typed method of the SDK: name, route, variant (async or none), kinds of token."""
    for group, service in vars(api).items():
        for version, versioned in vars(service).items() if type(service).__name__.endswith("Service") else ():
            for resource, methods in vars(versioned).items():
                for name, method in inspect.getmembers(methods, inspect.ismethod):
                    model = None if name.startswith("_") else request_class(method)
                    if model is None:
                        continue
                    request = model.builder().build()
                    verb, path = routed(request)
                    awaited = inspect.iscoroutinefunction(method)
                    yield {
                        "name": f"{group}.{version}.{resource}.{name[1:] if awaited else name}",
                        "method": verb,
                        "path": path,
                        "variant": "async" if awaited else "",
                        "tokens": sorted(kind.name for kind in request.token_types),
                    }


class Caller:
    """A caller: `caller.im.v1.chat.get(chat_id=…)`; the argument `body` becomes the request's body."""

    def __init__(self, api, calls, awaited=False, user=None, option=None):
        self._api, self._calls, self._awaited = api, calls, awaited
        self._user = user
        self._option = option

    def __getattr__(self, name):
        return Steps(self, getattr(self._api, name))


class Steps:
    def __init__(self, caller, reached):
        self._caller, self._reached = caller, reached

    def __getattr__(self, name):
        return Steps(self._caller, getattr(self._reached, name))

    def __call__(self, body=None, **parameters):
        caller, method = self._caller, self._reached
        request = make(request_class(method), parameters | ({} if body is None else {"request_body": body}))
        verb, path = routed(request)
        # The SDK modifies its options, so each call has its own.
        option = as_user(caller._user) if caller._user else caller._option and caller._option()
        if caller._awaited:
            other = getattr(method.__self__, f"a{method.__name__}")
            answer = asyncio.run(other(request, option))
        else:
            answer = method(request, option)
        if answer.success():
            kind = "user" if caller._user else "own"
            caller._calls.append({"method": verb, "path": path, "kind": kind, "variant": "async" if caller._awaited else ""})
        return answer


def data_of(answer):
    """The answer's JSON, if a typed method does not expose all of it."""
    return json.loads(answer.raw.content)
