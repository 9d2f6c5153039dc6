"""A bot that keeps a group for each project. This is the program under test: it knows nothing of Larkspur."""

import io
import time

import lark_oapi as lark
from lark_oapi.api.docx.v1 import (
    CreateChatAnnouncementBlockChildrenRequest, CreateChatAnnouncementBlockChildrenRequestBody, ListChatAnnouncementBlockRequest,
)
from lark_oapi.api.im.v1 import *
from lark_oapi.api.im.v2 import (
    CreateBizEntityTagRelationRequest, CreateBizEntityTagRelationRequestBody, CreateTag,
    CreateTagRequest, CreateTagRequestBody, GetBizEntityTagRelationRequest,
)

RATE_LIMITED = 99991400


class Refused(Exception):
    """The platform refused a call."""

    def __init__(self, answer):
        super().__init__(f"{answer.code} {answer.msg}")
        self.code, self.log_id, self.error = answer.code, answer.get_log_id(), answer.error or {}

    @property
    def scopes(self):
        """Any of these scopes would have sufficed."""
        return [one["subject"] for one in self.error.get("permission_violations", ())]


class Rooms:
    def __init__(self, app_id, app_secret, domain=lark.FEISHU_DOMAIN):
        builder = lark.Client.builder().app_id(app_id).app_secret(app_secret).domain(domain)
        client = builder.log_level(lark.LogLevel.ERROR).build()
        self.im, self.docx = client.im, client.docx

    def ask(self, method, request):
        """One call; it is retried once if the platform asks to wait."""
        for last in (False, True):
            answer = method(request)
            if answer.success():
                return getattr(answer, "data", None)
            if answer.code != RATE_LIMITED or last:
                raise Refused(answer)
            headers = {name.lower(): value for name, value in answer.raw.headers.items()}
            time.sleep(min(float(headers.get("x-ogw-ratelimit-reset", 1)), 2))

    def open(self, project, owner=None, members=()):
        """A new room; the bot's own, unless it has another owner."""
        body = CreateChatRequestBody.builder().name(project).user_id_list([*filter(None, [owner]), *members])
        body = (body.owner_id(owner) if owner else body).build()
        builder = CreateChatRequest.builder().user_id_type("open_id").set_bot_manager(owner is not None)
        request = builder.request_body(body).build()
        return self.ask(self.im.v1.chat.create, request).chat_id

    def show(self, room):
        return self.ask(self.im.v1.chat.get, GetChatRequest.builder().chat_id(room).user_id_type("open_id").build())

    def change(self, room, **fields):
        body = UpdateChatRequestBody(fields)
        self.ask(self.im.v1.chat.update, UpdateChatRequest.builder().chat_id(room).request_body(body).build())

    def close(self, room):
        self.ask(self.im.v1.chat.delete, DeleteChatRequest.builder().chat_id(room).build())

    def find(self, words):
        request = SearchChatRequest.builder().query(words).page_size(20).build()
        return [one.name for one in self.ask(self.im.v1.chat.search, request).items]

    def invite(self, room, people):
        """Adds people; returns those whom it could not add."""
        body = CreateChatMembersRequestBody.builder().id_list(people).build()
        builder = CreateChatMembersRequest.builder().chat_id(room).member_id_type("open_id").succeed_type(1)
        return self.ask(self.im.v1.chat_members.create, builder.request_body(body).build()).invalid_id_list or []

    def remove(self, room, people):
        body = DeleteChatMembersRequestBody.builder().id_list(people).build()
        builder = DeleteChatMembersRequest.builder().chat_id(room).member_id_type("open_id")
        self.ask(self.im.v1.chat_members.delete, builder.request_body(body).build())

    def members(self, room):
        """The members of a room, page by page."""
        names, token = [], None
        while True:
            builder = GetChatMembersRequest.builder().chat_id(room).page_size(2)
            page = self.ask(self.im.v1.chat_members.get, (builder.page_token(token) if token else builder).build())
            names += [one.name for one in page.items]
            if not page.has_more:
                return names
            token = page.page_token

    def promote(self, room, person):
        body = AddManagersChatManagersRequestBody.builder().manager_ids([person]).build()
        request = AddManagersChatManagersRequest.builder().chat_id(room).member_id_type("open_id").request_body(body)
        return self.ask(self.im.v1.chat_managers.add_managers, request.build()).chat_managers

    def label(self, room, name):
        """Binds a tag to a room; it is created at its first use."""
        tag = CreateTag.builder().tag_type("tenant").name(name).build()
        body = CreateTagRequestBody.builder().create_tag(tag).build()
        made = self.ask(self.im.v2.tag.create, CreateTagRequest.builder().request_body(body).build())
        tag_id = made.id or made.create_tag_fail_reason.duplicate_id
        body = CreateBizEntityTagRelationRequestBody.builder().tag_biz_type("chat").biz_entity_id(room)
        request = CreateBizEntityTagRelationRequest.builder().request_body(body.tag_ids([tag_id]).build()).build()
        self.ask(self.im.v2.biz_entity_tag_relation.create, request)
        return tag_id

    def labels(self, room):
        request = GetBizEntityTagRelationRequest.builder().tag_biz_type("chat").biz_entity_id(room).build()
        found = self.ask(self.im.v2.biz_entity_tag_relation.get, request).tag_info_with_bind_versions
        return [one.tag_info.name for one in found]

    def link(self, room, name, url):
        """Adds a web page to a room's tabs; returns the names of all tabs."""
        tab = ChatTab.builder().tab_name(name).tab_type("url").tab_content(ChatTabContent.builder().url(url).build())
        body = CreateChatTabRequestBody.builder().chat_tabs([tab.build()]).build()
        request = CreateChatTabRequest.builder().chat_id(room).request_body(body).build()
        return [one.tab_name for one in self.ask(self.im.v1.chat_tab.create, request).chat_tabs]

    def offer(self, room, items):
        """A menu of links, by their names."""
        tops = []
        for name, url in items.items():
            link = ChatMenuItemRedirectLink.builder().common_url(url).build()
            item = ChatMenuItem.builder().action_type("REDIRECT_LINK").name(name).redirect_link(link).build()
            tops.append(ChatMenuTopLevel.builder().chat_menu_item(item).build())
        tree = ChatMenuTree.builder().chat_menu_top_levels(tops).build()
        body = CreateChatMenuTreeRequestBody.builder().menu_tree(tree).build()
        request = CreateChatMenuTreeRequest.builder().chat_id(room).request_body(body).build()
        made = self.ask(self.im.v1.chat_menu_tree.create, request).menu_tree
        return [one.chat_menu_item.name for one in made.chat_menu_top_levels]

    def announce(self, room, text):
        """Writes a paragraph on top of the announcement; returns the texts of its paragraphs."""
        block = {"block_type": 2, "text": {"elements": [{"text_run": {"content": text}}]}}
        body = CreateChatAnnouncementBlockChildrenRequestBody({"index": 0, "children": [block]})
        request = CreateChatAnnouncementBlockChildrenRequest.builder().chat_id(room).block_id(room).request_body(body)
        self.ask(self.docx.v1.chat_announcement_block_children.create, request.build())
        get = ListChatAnnouncementBlockRequest.builder().chat_id(room).build()
        blocks = self.ask(self.docx.v1.chat_announcement_block.list, get).items[1:]
        return ["".join(run.text_run.content for run in block.text.elements) for block in blocks]

    def pin_announcement(self, room):
        top = ChatTopNotice.builder().action_type("2").build()
        body = PutTopNoticeChatTopNoticeRequestBody.builder().chat_top_notice([top]).build()
        request = PutTopNoticeChatTopNoticeRequest.builder().chat_id(room).request_body(body).build()
        self.ask(self.im.v1.chat_top_notice.put_top_notice, request)

    def hush(self, room):
        """Lets only the owner and managers speak."""
        body = UpdateChatModerationRequestBody.builder().moderation_setting("only_owner").build()
        request = UpdateChatModerationRequest.builder().chat_id(room).request_body(body).build()
        self.ask(self.im.v1.chat_moderation.update, request)

    def upload(self, picture, image_type="message"):
        body = CreateImageRequestBody.builder().image_type(image_type).image(io.BytesIO(picture)).build()
        return self.ask(self.im.v1.image.create, CreateImageRequest.builder().request_body(body).build()).image_key

    def download(self, key):
        answer = self.im.v1.image.get(GetImageRequest.builder().image_key(key).build())
        if not answer.success():
            raise Refused(answer)
        return answer.file.read()
