"""Every served operation held against the model classes of the official Python SDK.

Method, path, kinds of token, and names and types of the fields of path, query, body and answer, through all nested
models, as the server's OpenAPI document has them. What differs stands in model_differences.txt with its reason; a line
that no longer differs fails, as does a difference without a line. Both sides are read from what describes them, so that
a new operation needs no change here.

    PYTHON tests/clients/python/models.py docs/openapi.json

prints the lines to add (`+`) and to remove (`-`).
"""

import copy
import inspect
import json
import re
import sys
import typing
from pathlib import Path

import lark_oapi as lark

from sdk import request_class, typed_methods

LIST = Path(__file__).with_name("model_differences.txt")
JSON = ("application/json", "application/json; charset=utf-8", "multipart/form-data")
SCHEMES = {"tenant_access_token": "tenant", "user_access_token": "user", "app_access_token": "app"}
ENVELOPE = {"code", "msg"}
# The JSON types of the SDK's values.
WIRE = {str: "string", int: "integer", float: "number", bool: "boolean", typing.Any: "any", object: "any"}


class Document:
    """An OpenAPI document."""

    def __init__(self, text):
        self.text = text
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, operations in text["paths"].items()
            for method, operation in operations.items()
            # The control API is Larkspur's own.
            if "operationId" in operation and not operation["operationId"].startswith("larkspur.")
        }

    def followed(self, schema):
        """A schema with references resolved and alternatives merged."""
        while "$ref" in schema:
            found = self.text
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        for combined in ("anyOf", "allOf", "oneOf"):
            kinds = [self.followed(one) for one in schema.get(combined, ()) if one.get("type") != "null"]
            merged = {key: value for kind in kinds for key, value in kind.items() if key in ("type", "items", "format")}
            properties = {name: one for kind in kinds for name, one in kind.get("properties", {}).items()}
            schema = merged | schema | ({"properties": properties | schema.get("properties", {})} if properties else {})
        return schema

    def content(self, described):
        """The schema of a body or an answer, if it is JSON or a form."""
        content = self.followed(described).get("content", {})
        return next((content[kind]["schema"] for kind in JSON if kind in content), None)

    def success(self, operation):
        """The schema of a success: the alternative with data, if failures have the same status."""
        schema = self.content(operation["responses"]["200"])
        choices = [self.followed(one) for one in (schema or {}).get("oneOf", ())]
        return next((one for one in choices if "data" in one.get("properties", {})), schema)

    def kind(self, schema):
        """The JSON type of a schema; `file` for bytes, `object` for what has fields, `map` for what has any."""
        schema = self.followed(schema)
        if schema.get("format") == "binary":
            return "file"
        kinds = schema.get("type", ())
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        values = [schema["const"]] if "const" in schema else schema.get("enum", [])
        kinds |= {WIRE.get(type(value), "any") for value in values if value is not None} if not kinds else set()
        kinds -= {"null"}
        if kinds == {"object"}:
            return "object" if schema.get("properties") else "map"
        return kinds.pop() if len(kinds) == 1 else " or ".join(sorted(kinds)) or "any"


def wire(annotation):
    """The JSON type of a value of the SDK's, in the words of `Document.kind`."""
    origin = typing.get_origin(annotation)
    if origin is list:
        return "array"
    if origin is dict:
        return "map"
    if annotation in WIRE:
        return WIRE[annotation]
    return "object" if hasattr(annotation, "_types") else "file"


def fields(model):
    """Names and annotations of a model's fields."""
    return dict(getattr(model, "_types", {}))


def parameters(builder):
    """The parameters of a request besides its body, by place and name on the wire: the annotation of its setter.

    Each setter is called, and where the value turns up is its place.
    """
    found = {"path": {}, "query": {}}
    for name, setter in inspect.getmembers(builder, inspect.ismethod):
        if name.startswith("_") or name in ("build", "request_body"):
            continue
        annotation = next(iter(inspect.signature(setter).parameters.values())).annotation
        before = copy.deepcopy((builder.build().paths, builder.build().queries))
        setter(["1"] if typing.get_origin(annotation) is list else "1")
        request = builder.build()
        for key in request.paths.keys() - before[0].keys():
            found["path"][key] = annotation
        for key, _ in request.queries[len(before[1]):]:
            found["query"][key] = annotation
    return found


class Comparison:
    """The differences of a document and the SDK: operation, part, field, kind."""

    def __init__(self, document, methods):
        self.document = document
        self.found = set()
        for name, (verb, path, operation) in document.operations.items():
            self.name = name
            sdk = methods.get((verb, shape(path)))
            if sdk is None:
                others = sorted(other for other, way in methods if way == shape(path))
                kind = f"{verb} here, {' '.join(others)} in the SDK" if others else "not in the SDK"
                self.differ("operation", "-", kind)
                continue
            self.operation(path, operation, sdk)

    def differ(self, part, field, kind):
        self.found.add((self.name, part, field, kind))

    def operation(self, path, operation, sdk):
        own = {SCHEMES[scheme] for one in operation["security"] for scheme in one}
        self.names("tokens", own, {kind.lower() for kind in sdk["tokens"]})
        builder = sdk["request"].builder()
        taken = parameters(builder)
        for place in ("path", "query"):
            described = [self.document.followed(one) for one in operation.get("parameters", ())]
            here = {one["name"]: one["schema"] for one in described if one["in"] == place}
            self.fields(place, "", here, taken[place], ())
        body = self.document.content(operation.get("requestBody", {}))
        model = None
        if hasattr(builder, "request_body"):
            model = inspect.signature(builder.request_body).parameters["request_body"].annotation
        self.fields("body", "", self.properties(body), fields(model), (model,))
        self.answer(operation, sdk["response"])

    def answer(self, operation, response):
        answered = fields(response)
        schema = self.document.success(operation)
        here = self.properties(schema)
        if schema is None:
            # Bytes: the SDK's other fields come from headers.
            answered = {name: kind for name, kind in answered.items() if name == "file"}
            content = self.document.followed(operation["responses"]["200"])["content"]
            here = {"file": one["schema"] for one in content.values()}
        elif "data" in here:
            # A missing model counts as one without fields.
            here, answered = self.properties(here["data"]), fields(answered.get("data"))
        else:
            # Fields besides code and msg: the SDK puts them into data.
            here = {name: one for name, one in here.items() if name not in ENVELOPE}
            answered = fields(answered["data"]) if "data" in answered else answered
        self.fields("answer", "", here, answered, ())

    def properties(self, schema):
        return self.document.followed(schema or {}).get("properties", {})

    def names(self, part, here, there):
        for name in here - there:
            self.differ(part, name, "not in the SDK")
        for name in there - here:
            self.differ(part, name, "only in the SDK")

    def fields(self, part, place, here, there, above):
        """Compares the fields of an object with those of a model; `above` is the path to them."""
        self.names(part, {place + name for name in here}, {place + name for name in there})
        for name in here.keys() & there.keys():
            self.value(part, place + name, here[name], there[name], above)

    def value(self, part, name, schema, annotation, above):
        schema = self.document.followed(schema)
        own, theirs = self.document.kind(schema), wire(annotation)
        # An object without described fields lacks those of the SDK.
        if own != theirs and "any" not in (own, theirs) and (own, theirs) != ("map", "object"):
            self.differ(part, name, f"{own} here, {theirs} in the SDK")
        elif own == "array" and typing.get_args(annotation):
            self.value(part, f"{name}[]", schema.get("items", {}), typing.get_args(annotation)[0], above)
        elif theirs == "object" and annotation not in above:
            self.fields(part, f"{name}.", schema.get("properties", {}), fields(annotation), (*above, annotation))


def shape(path):
    """A path with the names of its parameters left out."""
    return re.sub(r"\{[^}]*\}|:[^/]+", "{}", path)


def described(api):
    """The SDK's typed methods, by HTTP method and shape of the path."""
    found = {}
    for one in typed_methods(api):
        if one["variant"]:
            continue
        method = api
        for step in one["name"].split("."):
            method = getattr(method, step)
        found[one["method"], shape(one["path"])] = one | {
            "request": request_class(method), "response": inspect.signature(method).return_annotation,
        }
    return found


def lines_of_list():
    return [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def listed():
    """The lines of the list: the difference, and its reason."""
    return dict(parsed(line) for line in lines_of_list())


def parsed(line):
    what, kind, reason = line.split(": ", 2)
    operation, part, field = what.split(" ")
    return (operation, part, field, kind), reason


def line(difference):
    operation, part, field, kind = difference
    return f"{operation} {part} {field}: {kind}"


def sdk():
    """The SDK as a client that calls nothing."""
    return described(lark.Client.builder().app_id("cli_0").app_secret("-").log_level(lark.LogLevel.ERROR).build())


def run(checks, server):
    methods = sdk()
    text = server.call("GET", "/larkspur/openapi.json")[2]
    document = Document(text)
    found = Comparison(document, methods).found
    with checks("operations are compared, down to nested fields"):
        compared = [(verb, shape(path)) in methods for verb, path, _ in document.operations.values()]
        assert sum(compared) > len(compared) / 2, (sum(compared), len(compared))
    with checks("each difference is on the list with its reason"):
        new = sorted(line(one) for one in found - listed().keys())
        assert not new, "add what is meant to differ to model_differences.txt:\n" + "\n".join(new)
    with checks("the list is up to date"):
        gone = sorted(line(one) for one in listed().keys() - found)
        assert not gone, "remove from model_differences.txt:\n" + "\n".join(gone)
    with checks("the list is sorted, and each line has a reason"):
        lines = [one for one in LIST.read_text(encoding="utf-8").splitlines() if not one.startswith("#")]
        assert lines == sorted(set(lines)), "sort it, and remove what is there more than once"
        assert all(reason.strip(" ?") for reason in listed().values()), "a line has no reason"
        differences = [parsed(one)[0] for one in lines_of_list()]
        twice = sorted(line(one) for one in set(differences) if differences.count(one) > 1)
        assert not twice, "give one reason for each of:\n" + "\n".join(twice)
    sees(checks, text, methods, found)


def sees(checks, text, methods, found):
    """Checks that a change of the document is reported as exactly that difference."""
    with checks("all of the SDK's models, put into a document, do not differ from themselves"):
        own = Comparison(own_document(methods), methods)
        assert len(own.document.operations) == len(methods) > 1000 and not own.found, sorted(own.found)[:20]
    base = "/open-apis/im/v1/chats"
    name = "im.v1.chat.get"

    def tabs(paths):
        answer = paths[f"{base}/{{chat_id}}/chat_tabs"]["post"]["responses"]["200"]["content"]
        [data] = [one["schema"]["properties"]["data"] for one in answer.values()]
        return data["properties"]["chat_tabs"]["items"]["properties"]

    def get(paths):
        return paths[f"{base}/{{chat_id}}"]["get"]

    changes = {
        "a kind of token": (
            lambda paths: get(paths)["security"].pop(),
            (name, "tokens", "user", "only in the SDK"),
        ),
        "a method": (
            lambda paths: paths[f"{base}/{{chat_id}}/link"].update(put=paths[f"{base}/{{chat_id}}/link"].pop("post")),
            ("im.v1.chat.link", "operation", "-", "PUT here, POST in the SDK"),
        ),
        "a parameter": (
            lambda paths: get(paths)["parameters"].append({"name": "made_up", "in": "query", "schema": {}}),
            (name, "query", "made_up", "not in the SDK"),
        ),
        "a field that is gone, deep in an answer": (
            lambda paths: tabs(paths)["tab_content"]["properties"].pop("url"),
            ("im.v1.chat_tab.create", "answer", "chat_tabs[].tab_content.url", "only in the SDK"),
        ),
        "a type, deep in an answer": (
            lambda paths: tabs(paths).update(tab_id={"type": ["integer", "null"]}),
            ("im.v1.chat_tab.create", "answer", "chat_tabs[].tab_id", "integer here, string in the SDK"),
        ),
    }
    for what, (change, wanted) in changes.items():
        with checks(f"a change is seen: {what}"):
            other = copy.deepcopy(text)
            change(other["paths"])
            assert Comparison(Document(other), methods).found ^ found == {wanted}


def own_document(methods):
    """The SDK's models as a document."""
    schemes = {kind: scheme for scheme, kind in SCHEMES.items()}
    paths = {}
    for (verb, path), one in methods.items():
        builder = one["request"].builder()
        taken = [
            {"name": name, "in": place, "schema": own_schema(annotation)}
            for place, names in parameters(builder).items()
            for name, annotation in names.items()
        ]
        operation = {
            "operationId": f"{verb} {path}",
            "security": [{schemes[kind.lower()]: []} for kind in one["tokens"]],
            "parameters": taken,
        }
        if hasattr(builder, "request_body"):
            model = inspect.signature(builder.request_body).parameters["request_body"].annotation
            operation["requestBody"] = {"content": {JSON[0]: {"schema": own_schema(model)}}}
        answer = own_schema(one["response"])
        answer["properties"].setdefault("data", {"type": "object"})
        bytes_only = "file" in answer["properties"]
        content = {"*/*": {"schema": answer["properties"]["file"]}} if bytes_only else {JSON[0]: {"schema": answer}}
        operation["responses"] = {"200": {"content": content}}
        paths.setdefault(path, {})[verb.lower()] = operation
    return Document({"paths": paths})


def own_schema(annotation, above=()):
    kind, inner = wire(annotation), typing.get_args(annotation)
    if kind == "array":
        return {"type": ["array", "null"], "items": own_schema(inner[0], above)}
    if kind == "map":
        return {"type": "object", "additionalProperties": own_schema(inner[1], above)}
    if kind == "object":
        inside = {} if annotation in above else fields(annotation)
        above = (*above, annotation)
        return {"type": "object", "properties": {name: own_schema(one, above) for name, one in inside.items()}}
    plain = {"anyOf": [{"type": kind}, {"type": "null"}]}
    return {"any": {}, "file": {"type": "string", "format": "binary"}}.get(kind, plain)


def main(path):
    found = Comparison(Document(json.loads(Path(path).read_text(encoding="utf-8"))), sdk()).found
    lines = [f"+ {line(one)}: ?" for one in found - listed().keys()]
    lines += [f"- {line(one)}" for one in listed().keys() - found]
    print("\n".join(sorted(lines, key=lambda one: one[2:])))


if __name__ == "__main__":
    main(*sys.argv[1:])
