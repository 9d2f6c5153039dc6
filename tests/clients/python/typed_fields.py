"""Whether requests and answers have the fields that the SDK's models have, by the server's OpenAPI document."""

import inspect
import typing

import lark_oapi as lark

from sdk import request_class, typed_methods

# Fields that the SDK has and, unless a line says otherwise, no page describes: none of them is read or answered.
UNDESCRIBED = {
    # Users have none.
    "authen.v1.access_token.create answer": {"enterprise_email"},
    "authen.v1.refresh_access_token.create answer": {"enterprise_email"},
    "authen.v1.user_info.get answer": {"employee_no", "enterprise_email"},
    # Users have a name, addresses and a state, and nothing else.
    "contact.v3.user.get answer.user": {
        "assign_info", "avatar_key", "city", "country", "custom_attrs", "department_ids", "department_path", "description",
        "dotted_line_leader_user_ids", "employee_no", "employee_type", "en_name", "enterprise_email", "gender", "geo",
        "idp_type", "is_frozen", "is_tenant_manager", "job_family_id", "job_level_id", "job_title", "join_time",
        "leader_user_id", "need_send_notification", "nickname", "notification_option", "orders", "positions",
        "subscription_ids", "time_zone", "work_station",
    },
    "drive.v1.permission_member.update body": {"member_id"},  # it stands in the path
    "im.v1.chat.create body": {"chat_tags", "external", "labels", "pin_manage_setting", "toolkit_ids"},
    "im.v1.chat.create answer": {"labels", "pin_manage_setting", "toolkit_ids"},
    "im.v1.chat.get answer": {"labels", "pin_manage_setting", "toolkit_ids"},
    "im.v1.chat.list query": {"types"},
    "im.v1.chat.list answer.items": {"chat_mode", "labels", "p2p_target_id", "p2p_target_type"},
    "im.v1.chat.search answer.items": {"chat_mode", "labels", "p2p_target_id", "p2p_target_type"},
    "im.v1.chat.update body": {"labels", "pin_manage_setting", "toolkit_ids"},
    "im.v1.chat_members.get answer": {"security_conf_limit", "trigger_security_conf_limit"},
    # Ids are given, not taken.
    "im.v1.chat_menu_tree.create body.menu_tree.chat_menu_top_levels": {"chat_menu_top_level_id"},
    "im.v1.chat_menu_tree.create body.menu_tree.chat_menu_top_levels.children": {"chat_menu_second_level_id"},
    "im.v2.biz_entity_tag_relation.create body": {"bot_id"},
    "im.v2.biz_entity_tag_relation.update body": {"bot_id"},
    "im.v2.biz_entity_tag_relation.get answer.tag_info_with_bind_versions.tag_info": {"creator_id", "tenant_id"},
    "im.v2.chat.search answer": {"notice"},
    "im.v2.chat.search answer.items": {"display_info"},
    "im.v2.chat.search answer.items.meta_data": {"create_time", "update_time"},
    "im.v2.tag.create body": {"bot_id"},
    "im.v2.tag.patch body": {"bot_id"},
    "im.v2.tag.patch answer.tag_info": {"creator_id", "tenant_id"},
}
JSON = ("application/json", "application/json; charset=utf-8")


class Document:
    """The OpenAPI document of a server."""

    def __init__(self, server):
        self.text = server.call("GET", "/larkspur/openapi.json")[2]
        self.operations = {
            (method.upper(), path): operation
            for path, operations in self.text["paths"].items()
            for method, operation in operations.items()
            if "operationId" in operation
        }

    def followed(self, schema):
        while "$ref" in schema:
            found = self.text
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        for combined in ("anyOf", "allOf", "oneOf"):
            kinds = [self.followed(one) for one in schema.get(combined, ()) if one.get("type") != "null"]
            properties = {name: one for kind in kinds for name, one in kind.get("properties", {}).items()}
            items = next((kind["items"] for kind in kinds if "items" in kind), None)
            schema = schema | ({"properties": properties} if properties else {}) | ({"items": items} if items else {})
        return schema

    def schema(self, described):
        content = self.followed(described).get("content", {})
        return next((content[kind]["schema"] for kind in JSON if kind in content), None)


def missing(document, place, model, schema, above=()):
    """What a model has and a schema has not, deeply: place and field names."""
    properties = document.followed(schema).get("properties", {})
    fields = vars(model())
    if fields.keys() - properties.keys():
        yield place, fields.keys() - properties.keys()
    for name, kind in getattr(model, "_types", {}).items():
        inner = (typing.get_args(kind) or (kind,))[0]
        if name in properties and hasattr(inner, "builder") and inner not in above:
            within = document.followed(properties[name])
            yield from missing(document, f"{place}.{name}", inner, within.get("items", within), (*above, model))


def differences(server, api):
    document = Document(server)
    own = vars(lark.BaseRequest()).keys() | {"request_body"}
    for one in typed_methods(api):
        operation = document.operations.get((one["method"], one["path"]))
        if one["variant"] or operation is None:
            continue
        method = api
        for step in one["name"].split("."):
            method = getattr(method, step)
        builder = request_class(method).builder()
        taken = {document.followed(parameter)["name"] for parameter in operation.get("parameters", ())}
        parameters = vars(builder.build()).keys() - own
        if parameters - taken:
            yield f"{one['name']} query", parameters - taken
        body = document.schema(operation.get("requestBody", {}))
        if body and hasattr(builder, "request_body"):
            model = inspect.signature(builder.request_body).parameters["request_body"].annotation
            yield from missing(document, f"{one['name']} body", model, body)
        answer = document.schema(operation["responses"]["200"])
        model = getattr(inspect.signature(method).return_annotation, "_types", {}).get("data")
        # Sign-in answers are flat: the SDK's models of them are never filled.
        if answer and model and "data" in document.followed(answer).get("properties", {}):
            data = document.followed(answer)["properties"]["data"]
            yield from missing(document, f"{one['name']} answer", model, data)


def run(checks, server, api):
    with checks("requests and answers have the SDK's fields, except those on the list"):
        found = {place: set(names) for place, names in differences(server, api)}
        places = found.keys() | UNDESCRIBED.keys()
        wrong = {place: found.get(place, set()) ^ UNDESCRIBED.get(place, set()) for place in places}
        assert found == UNDESCRIBED, {place: names for place, names in wrong.items() if names}
