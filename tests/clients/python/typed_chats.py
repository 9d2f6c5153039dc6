"""Groups, their members and their managers."""

from sdk import data_of, good, refused


def run(checks, stage):
    for name, who in stage.both:
        chats(checks, stage, name, who)
        members(checks, stage, name, who)
        managers(checks, stage, name, who)
    refusals(checks, stage)


def chats(checks, stage, name, who):
    api = who.im.v1.chat
    made = [stage.group(who, name=f"{name} {number}") for number in range(3)]

    with checks(f"{name}: get, change and dissolve a group"):
        chat = good(api.get(chat_id=made[0], user_id_type="user_id"))
        assert chat.name == f"{name} 0" and chat.chat_mode == "group" and chat.external is False
        assert (chat.user_count, chat.bot_count) == ("2", "1"), data_of(api.get(chat_id=made[0]))
        owner = None if who is stage.bot else stage.people[0]["user_id"]
        assert chat.owner_id == owner, (chat.owner_id, owner)
        i18n = {"zh_cn": "改名", "en_us": "renamed", "ja_jp": "改名"}
        body = {"name": "renamed", "description": "again", "i18n_names": i18n, "edit_permission": "only_owner"}
        assert data_of(api.update(chat_id=made[0], body=body))["data"] == {}
        chat = good(api.get(chat_id=made[0]))
        assert (chat.name, chat.description, chat.i18n_names.en_us) == ("renamed", "again", "renamed")
        assert chat.edit_permission == "only_owner"
        good(api.delete(chat_id=made[0]))
        assert good(api.get(chat_id=made[0])).chat_status == "dissolved"
        refused(api.update(chat_id=made[0], body={"name": "x"}), 232009)

    with checks(f"{name}: list groups, page after page"):
        found, token, pages = [], "", 0
        while pages < 20:
            page = good(api.list(user_id_type="open_id", sort_type="ByCreateTimeAsc", page_size=2, page_token=token))
            assert len(page.items) <= 2
            found, token, pages = [*found, *page.items], page.page_token, pages + 1
            if not page.has_more:
                break
        ids = [chat.chat_id for chat in found]
        assert len(set(ids)) == len(ids) and pages > 1, ids
        assert [chat for chat in ids if chat in made] == made[1:], (ids, made)
        assert all(chat.tenant_key == stage.facts["tenant_key"] and chat.external is False for chat in found)
        refused(api.list(page_token="nonsense"), 232001)

    with checks(f"{name}: search groups"):
        other = stage.group(who, name=f"needle {name}")
        page = good(api.search(user_id_type="open_id", query="needle", page_size=100))
        assert other in [chat.chat_id for chat in page.items] and not set(made) & {chat.chat_id for chat in page.items}

    with checks(f"{name}: search groups, the second version"):
        page = good(who.im.v2.chat.search(user_id_type="open_id", page_size=20, body={"query": name}))
        ids = {one["meta_data"]["chat_id"] for one in data_of(who.im.v2.chat.search(body={"query": name}))["data"]["items"]}
        assert set(made[1:]) <= ids and page.has_more is False, ids

    with checks(f"{name}: a link to a group"):
        link = good(api.link(chat_id=made[1], body={"validity_period": "year"}))
        assert link.share_link.startswith("http") and link.is_permanent is False and link.expire_time.isdecimal()

    with checks(f"{name}: who may speak"):
        moderation = who.im.v1.chat_moderation
        body = {"moderation_setting": "moderator_list", "moderator_added_list": [stage.person(1)]}
        good(moderation.update(chat_id=made[1], user_id_type="open_id", body=body))
        page = good(moderation.get(chat_id=made[1], user_id_type="open_id", page_size=10))
        assert page.moderation_setting == "moderator_list"
        assert stage.person(1) in [one.user_id for one in page.items], data_of(moderation.get(chat_id=made[1]))

    with checks(f"{name}: put up and take down a top notice"):
        notice = who.im.v1.chat_top_notice
        good(notice.put_top_notice(chat_id=made[1], body={"chat_top_notice": [{"action_type": "2"}]}))
        good(notice.delete_top_notice(chat_id=made[1]))


def members(checks, stage, name, who):
    api = who.im.v1.chat_members
    chat = stage.group(who)

    with checks(f"{name}: bring people in, list them, remove one"):
        third = stage.person(2)
        answer = good(api.create(chat_id=chat, member_id_type="open_id", succeed_type=1, body={"id_list": [third]}))
        lists = (answer.invalid_id_list, answer.not_existed_id_list, answer.pending_approval_id_list)
        assert not any(lists), lists
        first = good(api.get(chat_id=chat, member_id_type="open_id", page_size=2))
        rest = good(api.get(chat_id=chat, member_id_type="open_id", page_size=2, page_token=first.page_token))
        assert first.has_more is True and rest.has_more is False and first.member_total == 3
        shown = first.items + rest.items
        assert {one.member_id for one in shown} == {stage.person(number) for number in range(3)}
        assert {one.name for one in shown} == {one["name"] for one in stage.people}
        assert {(one.member_id_type, one.tenant_key) for one in shown} == {("open_id", stage.facts["tenant_key"])}
        gone = good(api.delete(chat_id=chat, member_id_type="open_id", body={"id_list": [third]}))
        assert not gone.invalid_id_list, gone.invalid_id_list
        assert good(api.get(chat_id=chat)).member_total == 2

    with checks(f"{name}: a user who does not exist, with succeed_type=1"):
        unknown = "ou_" + "0" * 32
        answer = good(api.create(chat_id=chat, member_id_type="open_id", succeed_type=1, body={"id_list": [unknown]}))
        assert unknown in (answer.invalid_id_list or []) + (answer.not_existed_id_list or []), vars(answer)

    with checks(f"{name}: join a public group; in it or not"):
        keepers = [one["user_id"] for one in stage.people[1:]]
        path = f"{stage.home.path}/chats"
        body = {"chat_type": "public", "name": "open to all", "owner": keepers[0], "members": keepers}
        public = stage.server.control("POST", path, body)["chat_id"]
        assert good(api.is_in_chat(chat_id=public)).is_in_chat is False
        good(api.me_join(chat_id=public))
        assert good(api.is_in_chat(chat_id=public)).is_in_chat is True
        private = stage.server.control("POST", path, body | {"chat_type": "private"})["chat_id"]
        refused(api.me_join(chat_id=private), 232008)


def managers(checks, stage, name, who):
    api = who.im.v1.chat_managers
    with checks(f"{name}: appoint and dismiss managers"):
        chat = stage.group(who)
        second = stage.person(1)
        answer = good(api.add_managers(chat_id=chat, member_id_type="open_id", body={"manager_ids": [second]}))
        assert answer.chat_managers == [second], vars(answer)
        assert good(who.im.v1.chat.get(chat_id=chat, user_id_type="open_id")).user_manager_id_list == [second]
        answer = good(api.delete_managers(chat_id=chat, member_id_type="open_id", body={"manager_ids": [second]}))
        assert not answer.chat_managers, vars(answer)


def refusals(checks, stage):
    chat = stage.group(stage.users[0])
    stranger = stage.users[2].im.v1
    with checks("an outsider's requests are refused, and the SDK shows it"):
        refused(stranger.chat.update(chat_id=chat, body={"name": "mine"}), 232011)
        refused(stranger.chat.delete(chat_id=chat), 232011)
        refused(stranger.chat_members.get(chat_id=chat), 232011)
        refused(stranger.chat_managers.add_managers(chat_id=chat, body={"manager_ids": [stage.person(2)]}), 232011)
        refused(stranger.chat_announcement.get(chat_id=chat), 232011)
        refused(stranger.chat_tab.list_tabs(chat_id=chat), 232011)
    with checks("a member is not an owner"):
        refused(stage.users[1].im.v1.chat.delete(chat_id=chat), 232017)
        body = {"manager_ids": [stage.person(1)]}
        refused(stage.users[1].im.v1.chat_managers.add_managers(chat_id=chat, body=body), 232038)
    with checks("no user makes a group"):
        refused(stage.users[0].im.v1.chat.create(body={"name": "by a user"}), 99991668)
    with checks("a chat that does not exist"):
        refused(stage.bot.im.v1.chat.get(chat_id="oc_" + "0" * 32), 232006)
