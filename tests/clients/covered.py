"""Compares an SDK's typed methods, the served operations, and the calls of a journey."""

import re

# Typed methods that are not served, of resources that are.
NOT_SERVED = {
    "drive.v1.permission_member.batch_create": "not a part of groups: bots add a chat by itself",
    "drive.v1.permission_member.transfer_owner": "not a part of groups: documents are made by the control API",
    **{
        f"drive.v1.media.{name}": "no operation of announcements: their uploads are small, and what was uploaded is not returned"
        for name in ("batch_get_tmp_download_url", "download", "upload_finish", "upload_part", "upload_prepare")
    },
    **{
        f"contact.v3.user.{name}": "not a part of groups: people are made by the control API"
        for name in ("create", "delete", "patch", "resurrect", "update", "update_user_id")
    },
    **{
        f"application.v6.application.{name}": "not a part of groups: apps are made and set by the control API"
        for name in ("contacts_range_configuration", "list", "patch", "underauditlist")
    },
}
# Operations for which no SDK has a typed method.
UNTYPED = {
    "im.v2.tag.list": "no SDK has it; called with the generic request",
    "bot.v3.info": "no SDK has it; called with the generic request",
    **{
        operation: "no SDK has it: the official command line client, plugins and other libraries call it"
        for operation in (
            "bot.v1.openclaw_bot.ping", "bot.v3.bot.basic_batch", "bot.v3.info.post", "im.v1.chat.batch_query",
            "im.v1.chat_members.bots", "im.v1.chat_members.list", "im.v1.chat_nickname.delete", "im.v1.chat_nickname.get",
            "im.v1.chat_nickname.update", "im.v1.chat_p2p.batch_query", "im.v1.chat_user_setting.batch_get_mute_status",
            "im.v1.chat_user_setting.batch_query", "im.v1.chat_user_setting.batch_update",
            "im.v1.message.batch_query_read_status", "im.v1.message.mget", "im.v1.message.read_status",
        )
    },
    **{
        operation: "no SDK has it; called over plain HTTP"
        for operation in ("bot.hook.send", "bot.v2.hook.send", "ephemeral.v1.delete", "ephemeral.v1.send", "interactive.v1.card.update",
                          "message.v4.batch_send")
    },
    "authen.v1.authorize.show": "a page for browsers",
    "authen.v1.authorize.decide": "a form of that page",
    "authen.v1.index.show": "a page for browsers",
    "authen.v2.oauth.token": "no SDK has it; called over plain HTTP",
    "oauth.v3.token.create": "the SDKs' client.access_token and client.accessToken, which are no typed methods",
}


def kinds(operation):
    """The tokens with which an operation has to be called: the app's own, a user's."""
    access = operation["access"]
    return ({"own"} if access != "user" else set()) | ({"user"} if "user" in access else set())


def resource(method):
    return method["name"].rpartition(".")[0]


def spelled(method):
    """The name of a typed method, as in the lists."""
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), method["name"])


def listed(method):
    """Whether a method is on the list; in Node methods have a second name without the version."""
    name, names = spelled(method), NOT_SERVED.keys()
    return name in names or name in {re.sub(r"\.v\d+\.", ".", one) for one in names}


def route(one):
    return one["method"], one["path"]


def check(checks, operations, methods, calls):
    """Checks all of it: each SDK's part provides `methods` and `calls` in the same form."""
    public = {route(one): one for one in operations if not one["id"].startswith("larkspur.")}
    served = {resource(one) for one in methods if route(one) in public}
    concerned = [one for one in methods if resource(one) in served]

    with checks("each typed method of a resource that is served has its route here, or is on the list"):
        missing = {one["name"]: route(one) for one in concerned if route(one) not in public and not listed(one)}
        assert not missing, missing

    with checks("the lists are up to date"):
        names = {spelled(one): route(one) for one in methods}
        now = [name for name in NOT_SERVED if name in names and names[name] in public]
        assert not now, f"these are served now: {now}"
        typed = {route(one) for one in methods}
        now = [one["id"] for key, one in public.items() if one["id"] in UNTYPED and key in typed]
        assert not now, f"these have typed methods now: {now}"

    with checks("each operation has a typed method, or is on the list"):
        typed = {route(one) for one in methods}
        without = [one["id"] for key, one in public.items() if key not in typed and one["id"] not in UNTYPED]
        assert not without, without

    done = {(*route(call), call["variant"], call["kind"]) for call in calls}
    wanted = [one for one in concerned if route(one) in public]
    with checks("the journey called each of them, with success, with every allowed token"):
        forgotten = sorted(
            (one["name"], one["variant"], kind)
            for one in wanted
            for kind in kinds(public[route(one)])
            if (*route(one), one["variant"], kind) not in done
        )
        assert wanted and not forgotten, "\n".join(map(str, forgotten))
    print(f"        {len({(*route(one), one['variant']) for one in wanted})} typed methods")
