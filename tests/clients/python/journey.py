"""The whole journey with the official Python SDK, unmodified: typed methods wherever it has them."""

import asyncio
import io
import json
import tempfile
import uuid
from pathlib import Path

import lark_oapi as lark
from lark_oapi.api.drive.v1 import BaseMember, CreatePermissionMemberRequest
from lark_oapi.api.im.v1 import (
    ChatTab,
    ChatTabConfig,
    ChatTabContent,
    CreateChatRequest,
    CreateChatRequestBody,
    CreateChatTabRequest,
    CreateChatTabRequestBody,
    CreateImageRequest,
    CreateImageRequestBody,
    GetChatRequest,
    GetImageRequest,
    I18nNames,
    ListTabsChatTabRequest,
)
from lark_oapi.api.im.v2 import (
    CreateBizEntityTagRelationRequest,
    CreateBizEntityTagRelationRequestBody,
    CreateTag,
    CreateTagRequest,
    CreateTagRequestBody,
    GetBizEntityTagRelationRequest,
    PatchTag,
    PatchTagRequest,
    PatchTagRequestBody,
    TagI18nName,
    UpdateBizEntityTagRelationRequest,
    UpdateBizEntityTagRelationRequestBody,
)

import control
import gateway
import typed
from harness import png
from sdk import as_user, client, good, raw


def create_tag(name, names=()):
    i18n = [TagI18nName.builder().locale(locale).name(text).build() for locale, text in names]
    tag = CreateTag.builder().tag_type("tenant").name(name).i18n_names(i18n).build()
    return CreateTagRequest.builder().request_body(CreateTagRequestBody.builder().create_tag(tag).build()).build()


def url_tab(name, url, icon=None, built_in=False):
    config = ChatTabConfig.builder().icon_key(icon).is_built_in(built_in).build() if icon else None
    content = ChatTabContent.builder().url(url).build()
    return ChatTab.builder().tab_name(name).tab_type("url").tab_content(content).tab_config(config).build()


def doc_tab(name, url):
    content = ChatTabContent.builder().doc(url).build()
    return ChatTab.builder().tab_name(name).tab_type("doc").tab_content(content).build()


def add_tabs(chat, *tabs):
    body = CreateChatTabRequestBody.builder().chat_tabs(list(tabs)).build()
    return CreateChatTabRequest.builder().chat_id(chat).request_body(body).build()


def run(checks, server):
    world = server.ready
    home = control.demo(server)
    api = client(server, world)
    # Tag names are unique in the tenant, so a second run on the same data needs other names.
    tag_name = f"客户 {uuid.uuid4()}"
    owner = world["users"][0]["open_id"]
    made = {}

    with checks("bot info, with bot at the top level"):
        answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/bot/v3/info"))
        assert answer.code == 0 and answer.msg == "ok", answer.raw.content
        bot = json.loads(answer.raw.content)["bot"]
        assert bot["open_id"].startswith("ou_") and bot["activate_status"] == 2, bot

    with checks("create a chat: uuid, set_bot_manager=True, i18n_names as an object"):
        names = I18nNames.builder().zh_cn("群").en_us("Group").ja_jp("グループ").build()
        body = CreateChatRequestBody.builder().name("larkspur 群").description("made by the Python SDK")
        body = body.i18n_names(names).owner_id(owner).user_id_list([owner]).chat_type("private").build()
        once = str(uuid.uuid4())

        def request():
            ask = CreateChatRequest.builder().user_id_type("open_id").set_bot_manager(True)
            return ask.uuid(once).request_body(body).build()

        chat = good(api.im.v1.chat.create(request()))
        made["chat"] = chat.chat_id
        assert chat.owner_id == owner and chat.i18n_names.ja_jp == "グループ" and chat.external is False
        again = good(api.im.v1.chat.create(request()))
        assert again.chat_id == chat.chat_id, "the same uuid made a second chat"

    with checks("get the chat: the bot is a manager"):
        chat = good(api.im.v1.chat.get(GetChatRequest.builder().chat_id(made["chat"]).user_id_type("union_id").build()))
        assert chat.name == "larkspur 群" and chat.description == "made by the Python SDK"
        assert chat.bot_manager_id_list == [world["app_id"]], chat.bot_manager_id_list
        assert chat.owner_id == world["users"][0]["union_id"] and chat.owner_id_type == "union_id"
        assert (chat.user_count, chat.bot_count, chat.chat_status) == ("1", "1", "normal")

    pictures = {}
    with checks("upload images: BytesIO, file, tuple"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "icon.png"
            path.write_bytes(png(3, 3, 2))
            with path.open("rb") as file:
                for kind, image, content in (
                    ("BytesIO", io.BytesIO(png(2, 2, 1)), png(2, 2, 1)),
                    ("file", file, png(3, 3, 2)),
                    ("tuple", ("a.png", io.BytesIO(png(4, 4, 3)), "image/png"), png(4, 4, 3)),
                ):
                    body = CreateImageRequestBody.builder().image_type("message").image(image).build()
                    answer = good(api.im.v1.image.create(CreateImageRequest.builder().request_body(body).build()))
                    pictures[answer.image_key] = content
        assert len(pictures) == 3
        made["icon"] = next(iter(pictures))

    with checks("get the images: the same bytes"):
        for key, content in pictures.items():
            answer = api.im.v1.image.get(GetImageRequest.builder().image_key(key).build())
            assert answer.success() and answer.file.read() == content, key
            assert answer.raw.headers["Content-Type"] == "image/png", answer.raw.headers

    with checks("an unknown image is a typed refusal"):
        answer = api.im.v1.image.get(GetImageRequest.builder().image_key("img_v3_nothing").build())
        assert (answer.code, answer.raw.status_code) == (234001, 400), answer.raw.content
        assert answer.get_log_id(), answer.raw.headers

    with checks("create a tag"):
        made["tag"] = good(api.im.v2.tag.create(create_tag(tag_name, [("zh_cn", "客户"), ("en-US", "client")]))).id
        assert made["tag"].isdecimal() and len(made["tag"]) == 19, made

    with checks("a taken name is a success with only the reason"):
        answer = good(api.im.v2.tag.create(create_tag(tag_name)))
        assert answer.id is None and answer.create_tag_fail_reason.duplicate_id == made["tag"]

    with checks("create a tag with the async client"):
        made["other"] = good(asyncio.run(api.im.v2.tag.acreate(create_tag(f"{tag_name} async")))).id
        assert made["other"] != made["tag"]

    with checks("change a tag, its id repeated in the body"):
        patch = PatchTag.builder().id(made["tag"]).name(f"{tag_name} 2")
        patch = patch.i18n_names([TagI18nName.builder().locale("zh_cn").name("客户二").build()]).build()
        body = PatchTagRequestBody.builder().patch_tag(patch).build()
        answer = good(api.im.v2.tag.patch(PatchTagRequest.builder().tag_id(made["tag"]).request_body(body).build()))
        assert answer.tag_info.name == f"{tag_name} 2" and answer.tag_info.i18n_names[0].name == "客户二"
        assert answer.patch_tag_fail_reason is None

    with checks("query tags with the generic request, in every style of list"):
        first, second = made["tag"], made["other"]
        for queries in (
            [("ids", first), ("ids", second)],
            [("ids[]", first), ("ids[]", second)],
            [("ids", f"{first},{second}")],
        ):
            answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/im/v2/tags", queries))
            assert answer.code == 0, answer.raw.content
            infos = json.loads(answer.raw.content)["data"]["tag_infos"]
            assert [info["id"] for info in infos] == [first, second], infos

    with checks("bind, get, unbind"):
        def relation(of, ids):
            return of.builder().tag_biz_type("chat").biz_entity_id(made["chat"]).tag_ids(ids).build()

        def bound():
            ask = GetBizEntityTagRelationRequest.builder().tag_biz_type("chat").biz_entity_id(made["chat"]).build()
            return good(api.im.v2.biz_entity_tag_relation.get(ask)).tag_info_with_bind_versions

        bind = relation(CreateBizEntityTagRelationRequestBody, [made["tag"], made["other"]])
        answer = api.im.v2.biz_entity_tag_relation.create(
            CreateBizEntityTagRelationRequest.builder().request_body(bind).build()
        )
        good(answer)
        assert json.loads(answer.raw.content)["data"] == {}, answer.raw.content
        both = bound()
        assert [item.tag_info.id for item in both] == [made["tag"], made["other"]]
        assert all(str(item.bind_version).isdecimal() for item in both)
        unbind = relation(UpdateBizEntityTagRelationRequestBody, [made["other"]])
        good(api.im.v2.biz_entity_tag_relation.update(
            UpdateBizEntityTagRelationRequest.builder().request_body(unbind).build()
        ))
        assert [item.tag_info.id for item in bound()] == [made["tag"]]

    with checks("add a url tab with an icon and a doc tab"):
        answer = api.im.v1.chat_tab.create(add_tabs(
            made["chat"],
            url_tab("维基", "https://example.com/wiki", made["icon"], built_in=True),
            doc_tab("Plan", world["document_url"]),
        ))
        tabs = good(answer).chat_tabs
        assert answer.msg == "ok", answer.msg
        assert [tab.tab_type for tab in tabs] == ["message", "url", "doc"]
        assert tabs[1].tab_config.icon_key == made["icon"] and tabs[1].tab_config.is_built_in is True
        assert tabs[2].tab_content.doc == world["document_url"] and tabs[2].tab_config is None

    with checks("list the tabs"):
        tabs = good(api.im.v1.chat_tab.list_tabs(ListTabsChatTabRequest.builder().chat_id(made["chat"]).build())).chat_tabs
        assert [tab.tab_name for tab in tabs] == [None, "维基", "Plan"]

    with checks("typed refusal of a page: an unknown icon"):
        answer = api.im.v1.chat_tab.create(add_tabs(made["chat"], url_tab("x", "https://example.com", "img_unknown")))
        assert answer.code == 232056, answer.raw.content
        assert answer.msg == "The operator is not the image's owner, no permission to complete the request."

    # If the SDK managed its own tokens, it would ignore the given one.
    personal = client(server, world, given_tokens=True)
    document = home.document(owner=world["app_id"])
    with checks("add a collaborator to a document: need_notification=False"):
        member = BaseMember.builder().member_type("openchat").member_id(made["chat"]).perm("view").type("chat").build()
        ask = CreatePermissionMemberRequest.builder().token(document["token"]).type(document["doc_type"])
        answer = api.drive.v1.permission_member.create(ask.need_notification(False).request_body(member).build())
        assert good(answer).member.member_id == made["chat"] and answer.msg == "Success"

    with checks("as a user: get the chat, add a doc tab, list tabs"):
        option = as_user(home.user_token(world["app_id"], world["users"][0]))
        chat = good(personal.im.v1.chat.get(GetChatRequest.builder().chat_id(made["chat"]).build(), option))
        assert chat.name == "larkspur 群"
        tabs = good(personal.im.v1.chat_tab.create(
            add_tabs(made["chat"], doc_tab("Mine", document["url"])), option
        )).chat_tabs
        assert tabs[-1].tab_content.doc == document["url"], "the chat is a collaborator, and the user is in the chat"
        listed = personal.im.v1.chat_tab.list_tabs(ListTabsChatTabRequest.builder().chat_id(made["chat"]).build(), option)
        assert [tab.tab_id for tab in good(listed).chat_tabs] == [tab.tab_id for tab in tabs]

    with checks("a user who is not in the chat is refused by its own code"):
        option = as_user(home.user_token(world["app_id"], world["users"][1]))
        answer = personal.im.v1.chat_tab.list_tabs(ListTabsChatTabRequest.builder().chat_id(made["chat"]).build(), option)
        assert (answer.code, answer.msg) == (232011, "Operator can NOT be out of the chat."), answer.raw.content

    typed.run(checks, server)
    gateway.run(checks, server, home, api)
    restart(checks, server, api, made)


def restart(checks, server, api, made):
    with checks("a restart in the middle: the cached token and all created things still work"):
        before = server.metric("larkspur_requests_total", operation=gateway.SIGN_IN, code=0)
        assert before > 0
        assert server.restart() == 0, server.log()
        tabs = good(api.im.v1.chat_tab.list_tabs(ListTabsChatTabRequest.builder().chat_id(made["chat"]).build())).chat_tabs
        assert [tab.tab_name for tab in tabs] == [None, "维基", "Plan", "Mine"]
        answer = api.request(raw(lark.HttpMethod.GET, "/open-apis/im/v2/tags", [("ids", made["tag"])]))
        assert json.loads(answer.raw.content)["data"]["tag_infos"][0]["id"] == made["tag"], answer.raw.content
        assert server.metric("larkspur_requests_total", operation=gateway.SIGN_IN, code=0) == 0, "it signed in again"
