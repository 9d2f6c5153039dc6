"""Messages, reactions, pins, files and card entities."""

import io
import json

from sdk import good, refused

CARD = {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": [
    {"tag": "markdown", "element_id": "first", "content": "one"}]}}


def run(checks, stage):
    for name, who in stage.both:
        messages(checks, stage, name, who)
        reactions(checks, stage, name, who)
        pins(checks, stage, name, who)
        files(checks, stage, name, who)
        uploads(checks, stage, name, who)
    entities(checks, stage)


def send(who, chat, msg_type="text", content=None):
    body = {"receive_id": chat, "msg_type": msg_type, "content": json.dumps(content or {"text": "hello"})}
    return good(who.im.v1.message.create(receive_id_type="chat_id", body=body)).message_id


def messages(checks, stage, name, who):
    api, chat = who.im.v1.message, stage.group(who)
    with checks(f"{name}: send, reply, read, list and recall"):
        sent = send(who, chat)
        body = {"msg_type": "text", "content": json.dumps({"text": "an answer"}), "reply_in_thread": True}
        answer = good(api.reply(message_id=sent, body=body))
        assert (answer.parent_id, answer.root_id) == (sent, sent) and answer.thread_id.startswith("omt_"), vars(answer)
        item, = good(api.get(message_id=answer.message_id, user_id_type="open_id")).items
        assert json.loads(item.body.content) == {"text": "an answer"} and item.chat_id == chat
        page = good(api.list(container_id_type="chat", container_id=chat, sort_type="ByCreateTimeDesc", page_size=50))
        assert [one.message_id for one in page.items] == [sent] and page.has_more is False
        page = good(api.list(container_id_type="thread", container_id=answer.thread_id))
        assert [one.message_id for one in page.items] == [sent, answer.message_id]
        good(api.delete(message_id=answer.message_id))
        refused(api.reply(message_id=answer.message_id, body=body), 230011)
    with checks(f"{name}: replace a card, and see who read it"):
        card = send(who, chat, "interactive", CARD)
        good(api.patch(message_id=card, body={"content": json.dumps(CARD | {"body": {"elements": [{"tag": "hr"}]}})}))
        reader = stage.people[1]
        stage.server.control("PUT", f"{stage.home.path}/messages/{card}/read", {"as": reader["user_id"]})
        page = good(api.read_users(message_id=card, user_id_type="open_id", page_size=20))
        assert [one.user_id for one in page.items] == [reader["open_id"]], page.items
    if who is stage.bot:
        with checks("edit a text"):
            body = {"msg_type": "text", "content": json.dumps({"text": "changed"})}
            changed = good(api.update(message_id=sent, body=body))
            assert changed.updated is True and json.loads(changed.body.content) == {"text": "changed"}, vars(changed)


def reactions(checks, stage, name, who):
    api = who.im.v1.message_reaction
    with checks(f"{name}: react, list reactions of one and of several messages, take one back"):
        sent = send(who, stage.group(who))
        made = good(api.create(message_id=sent, body={"reaction_type": {"emoji_type": "SMILE"}}))
        operator = (stage.facts["app_id"], "app") if who is stage.bot else (stage.person(0), "user")
        assert (made.operator.operator_id, made.operator.operator_type) == operator, vars(made.operator)
        page = good(api.list(message_id=sent, reaction_type="SMILE", page_size=20, user_id_type="open_id"))
        assert [one.reaction_id for one in page.items] == [made.reaction_id]
        told = good(api.batch_query(user_id_type="open_id", body={"queries": [{"message_id": sent}], "page_size_per_message": 10}))
        counts, = told.success_msg_reaction_counts
        assert (counts.message_id, counts.reaction_count[0].reaction_type) == (sent, "SMILE")
        assert int(counts.reaction_count[0].count) == 1, vars(counts.reaction_count[0])
        removed = good(api.delete(message_id=sent, reaction_id=made.reaction_id))
        assert removed.reaction_type.emoji_type == "SMILE"
        assert not good(api.list(message_id=sent)).items
        refused(api.create(message_id=sent, body={"reaction_type": {"emoji_type": "smile"}}), 231001)


def pins(checks, stage, name, who):
    api, chat = who.im.v1.pin, stage.group(who)
    with checks(f"{name}: pin, list and unpin"):
        sent = send(who, chat)
        pin = good(api.create(body={"message_id": sent})).pin
        kind = "app_id" if who is stage.bot else "open_id"
        assert (pin.message_id, pin.chat_id, pin.operator_id_type) == (sent, chat, kind), vars(pin)
        assert [one.message_id for one in good(api.list(chat_id=chat, page_size=20)).items] == [sent]
        good(api.delete(message_id=sent))
        assert not good(api.list(chat_id=chat)).items


def files(checks, stage, name, who):
    with checks(f"{name}: a file there and back, from the message"):
        body = {"file_type": "stream", "file_name": "notes.txt", "file": io.BytesIO(b"notes")}
        key = good(who.im.v1.file.create(body=body)).file_key
        sent = send(who, stage.group(who), "file", {"file_key": key})
        got = who.im.v1.message_resource.get(message_id=sent, file_key=key, type="file")
        assert got.success() and got.file.read() == b"notes", (got.code, got.msg)
        if who is stage.bot:
            got = who.im.v1.file.get(file_key=key)
            assert got.success() and got.file.read() == b"notes", (got.code, got.msg)
            # With await, the SDK does not find the header.
            assert stage.awaited or got.file_name == "notes.txt", got.file_name


def uploads(checks, stage, name, who):
    with checks(f"{name}: upload a picture for a block of an announcement"):
        chat = stage.group(who)
        body = {"children": [{"block_type": 27, "image": {}}]}
        block, = good(who.docx.v1.chat_announcement_block_children.create(chat_id=chat, block_id=chat, body=body)).children
        body = {"file_name": "x.bin", "parent_type": "docx_image", "parent_node": block.block_id, "size": 5}
        assert good(who.drive.v1.media.upload_all(body=body | {"file": io.BytesIO(b"bytes")})).file_token


def entities(checks, stage):
    kit, chat = stage.bot.cardkit.v1, stage.group(stage.bot)
    with checks("a card entity: made, sent, changed by every call, and of a message"):
        card = good(kit.card.create(body={"type": "card_json", "data": json.dumps(CARD)})).card_id
        sent = send(stage.bot, chat, "interactive", {"type": "card", "data": {"card_id": card}})
        at = {"card_id": card, "element_id": "first"}
        settings = json.dumps({"config": {"streaming_mode": True}})
        good(kit.card.settings(card_id=card, body={"settings": settings, "sequence": 1}))
        good(kit.card_element.content(**at, body={"content": "one two", "sequence": 2}))
        settings = json.dumps({"config": {"streaming_mode": False}})
        good(kit.card.settings(card_id=card, body={"settings": settings, "sequence": 3}))
        second = json.dumps([{"tag": "markdown", "element_id": "second", "content": "2"}])
        good(kit.card_element.create(card_id=card, body={"type": "append", "elements": second, "sequence": 4}))
        partial = json.dumps({"content": "patched"})
        good(kit.card_element.patch(**at, body={"partial_element": partial, "sequence": 5}))
        element = json.dumps({"tag": "markdown", "element_id": "second", "content": "replaced"})
        good(kit.card_element.update(card_id=card, element_id="second", body={"element": element, "sequence": 6}))
        assert shown(stage, sent) == ["patched", "replaced"], shown(stage, sent)
        good(kit.card_element.delete(card_id=card, element_id="second", body={"sequence": 7}))
        actions = json.dumps([{"action": "partial_update_element", "params": {
            "element_id": "first", "partial_element": {"content": "in a batch"}}}])
        good(kit.card.batch_update(card_id=card, body={"actions": actions, "sequence": 8}))
        assert shown(stage, sent) == ["in a batch"], shown(stage, sent)
        whole = {"type": "card_json", "data": json.dumps(CARD)}
        good(kit.card.update(card_id=card, body={"card": whole, "sequence": 9}))
        assert shown(stage, sent) == ["one"], shown(stage, sent)
        refused(kit.card.update(card_id=card, body={"card": whole, "sequence": 9}), 300317)
        plain = send(stage.bot, chat, "interactive", CARD)
        assert good(kit.card.id_convert(body={"message_id": plain})).card_id.isdigit()


def shown(stage, message_id):
    """The texts of a card, as a message has it."""
    query = {"message_id": message_id, "card_msg_content_type": "user_card_content"}
    item, = good(stage.bot.im.v1.message.get(**query)).items
    return [element["content"] for element in json.loads(item.body.content)["body"]["elements"]]
