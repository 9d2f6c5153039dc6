"""Images, tags, documents, users."""

import io

from harness import png
from sdk import client, good, refused


def run(checks, stage):
    images(checks, stage)
    tags(checks, stage)
    for name, who in stage.both:
        documents(checks, stage, name, who)
        people(checks, stage, name, who)
    start(checks, stage)


def images(checks, stage):
    api = stage.bot.im.v1.image
    with checks("an image there and back"):
        key = good(api.create(body={"image_type": "message", "image": io.BytesIO(png(5, 5))})).image_key
        answer = api.get(image_key=key)
        assert answer.success() and answer.file.read() == png(5, 5)
        own = stage.users[0].im.v1.image
        key = good(own.create(body={"image_type": "avatar", "image": io.BytesIO(png(5, 5))})).image_key
        assert key.startswith("v3_"), key


def tags(checks, stage):
    tag, relation = stage.bot.im.v2.tag, stage.bot.im.v2.biz_entity_tag_relation
    with checks("make and rename a tag, bind it, read it, unbind it"):
        names = [{"locale": "zh_cn", "name": "客户"}]
        new = {"create_tag": {"tag_type": "tenant", "name": "client", "i18n_names": names}}
        made = good(tag.create(body=new)).id
        changed = good(tag.patch(tag_id=made, body={"patch_tag": {"id": made, "name": "customer"}})).tag_info
        assert (changed.id, changed.name, changed.tag_type) == (made, "customer", "tenant"), vars(changed)
        chat = stage.group(stage.bot)
        bond = {"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": [made]}
        good(relation.create(body=bond))
        bound = good(relation.get(tag_biz_type="chat", biz_entity_id=chat)).tag_info_with_bind_versions
        assert [one.tag_info.name for one in bound] == ["customer"]
        good(relation.update(body=bond))
        assert not good(relation.get(tag_biz_type="chat", biz_entity_id=chat)).tag_info_with_bind_versions


def documents(checks, stage, name, who):
    api = who.drive.v1.permission_member
    owner = stage.facts["app_id"] if who is stage.bot else stage.people[0]["user_id"]
    document = stage.home.document(owner=owner)
    chat = stage.group(who)
    at = {"token": document["token"], "type": document["doc_type"]}
    member = {"member_type": "openchat", "member_id": chat, "perm": "view", "type": "chat"}

    with checks(f"{name}: let a group into a document, raise it, ask, remove it"):
        assert good(api.create(**at, need_notification=False, body=member)).member.member_id == chat
        assert good(api.update(**at, member_id=chat, need_notification=False, body=member | {"perm": "edit"})).member.perm == "edit"
        found = [one for one in good(api.list(**at, fields="*")).items if one.member_type == "openchat"]
        assert [(one.member_id, one.perm) for one in found] == [(chat, "edit")], [vars(one) for one in found]
        assert good(api.auth(**at, action="view")).auth_result is True
        good(api.delete(**at, member_id=chat, member_type="openchat"))
        assert not [one for one in good(api.list(**at)).items if one.member_type == "openchat"]
        answer = api.create(token="nothing", type="docx", body=member)
        refused(answer, 1063005, answer.raw.status_code)


def people(checks, stage, name, who):
    one = stage.people[1]
    with checks(f"{name}: a user's information"):
        user = good(who.contact.v3.user.get(user_id=one["open_id"], user_id_type="open_id")).user
        assert (user.open_id, user.union_id, user.name) == (one["open_id"], one["union_id"], one["name"]), vars(user)
        answer = who.contact.v3.user.get(user_id="ou_" + "0" * 32, user_id_type="open_id")
        assert answer.code != 0
        refused(answer, answer.code)
    with checks(f"{name}: who several are"):
        api, people = who.contact.v3.user, stage.people
        ids = [one["open_id"] for one in people]
        found = good(api.batch(user_ids=ids, user_id_type="open_id")).items
        assert [(one.open_id, one.name, one.orders[0].department_id) for one in found] == [
            (one["open_id"], one["name"], "0") for one in people
        ], [vars(one) for one in found]
        users = good(api.basic_batch(user_id_type="open_id", body={"user_ids": ids})).users
        assert [(one.user_id, one.name) for one in users] == [(one["open_id"], one["name"]) for one in people]
        seen, more = [], {}
        while more is not None:
            page = good(api.find_by_department(department_id="0", page_size=2, **more))
            seen += [one.open_id for one in page.items]
            more = {"page_token": page.page_token} if page.has_more else None
        assert set(ids) <= set(seen) and len(seen) == len(set(seen)), seen
        assert good(api.list()).items == []
    if who is stage.bot:
        with checks("users by their contacts"):
            ask = {"emails": ["unknown@example.com"], "mobiles": []}
            found = good(who.contact.v3.user.batch_get_id(user_id_type="open_id", body=ask)).user_list
            assert [(one.email, one.user_id) for one in found] == [("unknown@example.com", None)], found


def start(checks, stage):
    with checks("data that a bot reads at start"):
        app = good(stage.bot.application.v6.application.get(app_id="me", lang="zh_cn")).app
        assert (app.app_id, app.owner.owner_id) == (stage.facts["app_id"], stage.people[0]["open_id"]), vars(app)
        scopes = good(stage.bot.application.v6.scope.list()).scopes
        assert {(one.scope_name, one.grant_status) for one in scopes} >= {("im:chat", 1)}
        assert set(one.scope for one in app.scopes) == set(one.scope_name for one in scopes)
        wanting = stage.home.app(scopes=["im:chat"], requested_scopes=["im:resource"])
        scope = stage.app(client(stage.server, wanting)).application.v6.scope
        listed = [(one.scope_name, one.scope_type, one.grant_status) for one in good(scope.list()).scopes]
        assert listed == [
            (name, kind, status) for name, status in (("im:chat", 1), ("im:resource", 2)) for kind in ("tenant", "user")
        ], listed
        good(scope.apply())
        refused(scope.apply(), 212004)
        tenant = good(stage.bot.tenant.v2.tenant.query()).tenant
        assert tenant.tenant_key == stage.facts["tenant_key"] and tenant.display_id.startswith("F"), vars(tenant)
        assert set(good(stage.bot.contact.v3.scope.list()).user_ids) >= {one["open_id"] for one in stage.people}
        assert good(stage.bot.event.v1.outbound_ip.list()).ip_list == ["127.0.0.1"]
        assert good(stage.bot.event.v1.connection.get()).online_instance_cnt == 0
    with checks("an app's subscriptions"):
        config = {"event": {"subscription_type": "websocket", "add_events": ["im.chat.updated_v1"]}}
        for who in (stage.bot, stage.users[0]):
            good(who.application.v7.application_config.patch(app_id=stage.facts["app_id"], body=config))
        app = good(stage.bot.application.v6.application.get(app_id="me", lang="zh_cn")).app
        assert app.event.subscription_type == "websocket" and app.callback_info.callback_type == "websocket", vars(app)
