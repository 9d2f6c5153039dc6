"""Messages with the official SDKs, unmodified: what bots rely on. A fresh world for each check."""

import base64
import hashlib
import hmac
import io
import json
import subprocess
import time

import long_connection
import message_answers
import message_sequences
import webhooks
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from harness import HERE, Server, environment, png
from room import CARD, Room, burst, caller, code, reply, send, sent, shown
from sdk import data_of, good

RECEIVED = "im.message.receive_v1"
MEGABYTE = 1024 * 1024


def run(checks):
    with Server() as server:
        for check in (
            mention, same_uuid, heard_at_once, heard_by_webhook, patched, raw_cards, ranged, streamed, files, recalled, edits,
            moderated, removed, unscoped, limited, hooks, clicked,
        ):
            check(checks, server)
        message_answers.run(checks, server)
        message_sequences.run(checks, server)
        node(checks, server)


def node(checks, server):
    """The Node SDK and its channel layer; it prints a line for each check."""
    done = subprocess.run(
        ["node", str(HERE / "node/messages.mjs")], env=environment(FACTS=json.dumps(server.ready | {"png": png().hex()})), timeout=180,
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    named = 0
    for line in done.stdout.splitlines():
        if line.startswith("CHECK "):
            told = json.loads(line.removeprefix("CHECK "))
            checks.count(f"Node: {told['name']}", told["error"] is None, told["error"])
            named += 1
    checks.count("Node: it ran to its end", done.returncode == 0 and named > 0, f"{done.returncode}\n{done.stderr[-4000:]}")


def mention(checks, server):
    with Room(server) as room, checks("a text mentions: placeholders in the content, an entry with the same key, times in ms"):
        ada = room.people[0]
        text = f'<at user_id="{ada["open_id"]}">Ada</at> hello'
        data = good(send(room.bot, room.chat, content={"text": text}))
        assert json.loads(data.body.content) == {"text": "@_user_1 hello"}, data.body.content
        entry, = data.mentions
        assert (entry.key, entry.id, entry.id_type, entry.name) == ("@_user_1", ada["open_id"], "open_id", ada["name"])
        assert abs(int(data.create_time) / 1000 - time.time()) < 60 and data.update_time == data.create_time
        assert (data.sender.id, data.sender.sender_type) == (room.facts["app_id"], "app"), vars(data.sender)


def same_uuid(checks, server):
    with Room(server) as room, checks("the same uuid twice: one message, one event"):
        other, _ = room.app()
        user = room.user()
        first = sent(user, room.chat, uuid="a-uuid")
        assert sent(user, room.chat, content={"text": "other"}, uuid="a-uuid") == first
        assert [message["message_id"] for message in room.stored()] == [first["message_id"]]
        assert (first["sender"]["id"], first["sender"]["sender_type"]) == (room.people[0]["open_id"], "user"), first
        again = [good(send(room.bot, room.chat, uuid="another")).message_id for _ in range(2)]
        assert again[0] == again[1] and len(room.stored()) == 2, again
        assert len(room.told(other["app_id"], RECEIVED)) == 1


def heard_at_once(checks, server):
    for kind in long_connection.KINDS:
        with (
            Room(server) as room, checks(f"{kind}: a message in a p2p chat is heard on a long connection within 1 s"),
            long_connection.Listener(kind, server, room.facts) as client,
        ):
            chat = room.p2p()
            long_connection.until("it is connected", lambda: long_connection.online(server, room.facts) == 1)
            began = time.monotonic()
            said = room.says("hello", chat=chat)
            long_connection.until("it is heard", lambda: messages_of(client), 10)
            assert time.monotonic() - began < 1, time.monotonic() - began
            event = messages_of(client)[0]["event"]
            message, sender = event["message"], event["sender"]
            assert (message["message_id"], message["chat_id"], message["chat_type"]) == (said, chat, "p2p"), event
            assert (message["message_type"], json.loads(message["content"])) == ("text", {"text": "hello"}), event
            assert sender["sender_id"]["open_id"] == room.people[0]["open_id"] and sender["sender_type"] == "user", event


def messages_of(client):
    return [event for event in client.said("event") if "message" in event["event"]]


def heard_by_webhook(checks, server):
    app = webhooks.App(server)
    with webhooks.Receiver() as receiver, checks("python: a message in a p2p chat is heard by webhook, encrypted and signed"):
        settings = {"mode": "webhook", "request_url": receiver.url, "types": [RECEIVED]}
        app.home.events(app.id, encrypt_key=webhooks.KEY, verification_token=webhooks.TOKEN, **settings)
        webhooks.until(lambda: app.home.events(app.id)["verified"])
        ada = app.home.facts["users"][0]
        chat = server.control("POST", f"{app.home.path}/p2p", {"app_id": app.id, "as": ada["user_id"]})["chat_id"]
        body = {"as": ada["user_id"], "text": "hello"}
        said = server.control("POST", f"{app.home.path}/chats/{chat}/messages", body)["message_id"]
        webhooks.until(lambda: receiver.events)
        message = receiver.events[0].event.message
        assert (message.message_id, message.content, message.message_type) == (said, '{"text":"hello"}', "text"), vars(message)
        assert set(receiver.statuses) == {200}, receiver.statuses
        assert all(list(json.loads(body)) == ["encrypt"] for body in receiver.bodies)


def with_text(text):
    return CARD | {"body": {"elements": [{"tag": "markdown", "content": text}]}}


def patched(checks, server):
    with Room(server) as room, checks("a card that is replaced twice reads back as the last one"):
        card = sent(room.bot, room.chat, "interactive", CARD)["message_id"]
        for text in ("two", "three"):
            good(room.bot.im.v1.message.patch(message_id=card, body={"content": json.dumps(with_text(text))}))
        stored = shown(room.bot, card, card_msg_content_type="user_card_content")
        assert json.loads(stored["body"]["content"]) == with_text("three"), stored
        code(room.bot.im.v1.message.patch(message_id=sent(room.bot, room.chat)["message_id"], body={
            "content": json.dumps(CARD)}), 230001, "This message is NOT a card")


def raw_cards(checks, server):
    old = {"header": {"title": {"tag": "plain_text", "content": "Old"}}, "elements": [
        {"tag": "div", "text": {"tag": "lark_md", "content": "from 1.0"}}]}
    new = CARD | {"header": {"title": {"tag": "plain_text", "content": "New"}}} | {
        "body": {"elements": [{"tag": "markdown", "content": "from 2.0"}]}}
    for schema, card, text in ((1, old, "from 1.0"), (2, new, "from 2.0")):
        with Room(server) as room, checks(f"a card of schema {schema} reads back raw, with its text under property"):
            message_id = sent(room.bot, room.chat, "interactive", card)["message_id"]
            raw = json.loads(shown(room.bot, message_id, card_msg_content_type="raw_card_content")["body"]["content"])
            assert raw["card_schema"] == schema and json.loads(raw["json_attachment"]) is not None, raw
            tree = json.loads(raw["json_card"])
            title = tree["header"]["property"]["title"]["property"]["content"]
            assert title == card["header"]["title"]["content"], tree
            assert "elements" not in tree and text in json.dumps(tree["body"]["property"]["elements"]), tree
    with Room(server) as room, checks("the people of a raw card are in its attachment by their ids, with their names"):
        ada = room.people[0]
        card = CARD | {"body": {"elements": [{"tag": "markdown", "content": f"please:\n{ada['open_id']} and <at id={ada['open_id']}></at>"}]}}
        message_id = sent(room.bot, room.chat, "interactive", card)["message_id"]
        raw = json.loads(shown(room.bot, message_id, card_msg_content_type="raw_card_content")["body"]["content"])
        assert json.loads(raw["json_attachment"]) == {"persons": {ada["open_id"]: {"content": ada["name"]}}}, raw


def ranged(checks, server):
    with Room(server) as room, checks("a resource that is downloaded in ranges has the same bytes"):
        whole = bytes(range(256)) * 1024
        key = good(upload(room.bot, "stream", "x.bin", whole)).file_key
        message_id = sent(room.bot, room.chat, "file", {"file_key": key})["message_id"]
        path = f"/open-apis/im/v1/messages/{message_id}/resources/{key}?type=file"
        got = b""
        while len(got) < len(whole):
            headers = {"Range": f"bytes={len(got)}-{len(got) + 131071}"}
            status, names, part = server.call("GET", path, token=room.token, headers=headers)
            assert status in (200, 206), (status, part)
            if status == 200:
                got = part
                break
            assert names["Content-Range"] == f"bytes {len(got)}-{len(got) + len(part) - 1}/{len(whole)}", names["Content-Range"]
            got += part
        assert got == whole, len(got)


def streamed(checks, server):
    with Room(server) as room, checks("a streamed card: content by sequence, an old sequence 300317, closed 300309"):
        kit = room.bot.cardkit.v1
        card = CARD | {"config": {"update_multi": True, "streaming_mode": True}}
        card["body"] = {"elements": [{"tag": "markdown", "element_id": "answer", "content": ""}]}
        made = good(kit.card.create(body={"type": "card_json", "data": json.dumps(card)})).card_id
        assert len(made) == 19 and made.isdigit(), made
        message_id = sent(room.bot, room.chat, "interactive", {"type": "card", "data": {"card_id": made}})["message_id"]

        def says(text, sequence):
            return kit.card_element.content(card_id=made, element_id="answer", body={"content": text, "sequence": sequence})

        good(says("one", 1))
        good(says("one two", 2))
        code(says("one two three", 2), 300317)
        stored = shown(room.bot, message_id, card_msg_content_type="user_card_content")["body"]["content"]
        assert json.loads(stored)["body"]["elements"][0]["content"] == "one two", stored
        settings = json.dumps({"config": {"streaming_mode": False}})
        good(kit.card.settings(card_id=made, body={"settings": settings, "sequence": 3}))
        code(says("one two three", 4), 300309, "streaming mode is closed")


def upload(who, kind, name, data):
    return who.im.v1.file.create(body={"file_type": kind, "file_name": name, "file": io.BytesIO(data)})


def files(checks, server):
    with Room(server) as room:
        with checks("a file of 30 MB is accepted, 31 MB is 234006, 0 B is 234010"):
            key = good(upload(room.bot, "stream", "large.bin", b"x" * (30 * MEGABYTE))).file_key
            code(upload(room.bot, "stream", "larger.bin", b"x" * (31 * MEGABYTE)), 234006)
            code(upload(room.bot, "stream", "empty.bin", b""), 234010)
        with checks("another bot of the chat downloads it from the message; a bot outside is 234004"):
            data = good(upload(room.bot, "stream", "notes.txt", b"notes"))
            message_id = sent(room.bot, room.chat, "file", {"file_key": data.file_key})["message_id"]
            _, inside = room.app()
            got = inside.im.v1.message_resource.get(message_id=message_id, file_key=data.file_key, type="file")
            assert got.success() and got.file.read() == b"notes" and got.file_name == "notes.txt", (got.code, got.msg)
            outside = caller(server, room.home.app())
            code(outside.im.v1.message_resource.get(message_id=message_id, file_key=data.file_key, type="file"), 234004)
            assert key != data.file_key


def recalled(checks, server):
    with Room(server) as room:
        other = room.home.app()
        room.chat = room.group(room.facts["app_id"], other["app_id"], owner=room.people[0]["user_id"])
        message = sent(room.bot, room.chat)["message_id"]
        with checks("a message recalled by its sender: listed as deleted, without pin and notice, and told to others"):
            good(room.bot.im.v1.pin.create(body={"message_id": message}))
            notice = {"chat_top_notice": [{"action_type": "1", "message_id": message}]}
            good(room.bot.im.v1.chat_top_notice.put_top_notice(chat_id=room.chat, body=notice))
            good(room.bot.im.v1.message.delete(message_id=message))
            item, = good(room.bot.im.v1.message.list(container_id_type="chat", container_id=room.chat)).items
            assert item.deleted and item.body.content == "This message was recalled", vars(item)
            pins = room.bot.im.v1.pin.list(chat_id=room.chat)
            good(pins)
            assert not data_of(pins)["data"].get("items"), pins.raw.content
            chat = server.control("GET", f"{room.home.path}/chats/{room.chat}")
            assert chat["top_notice"] == [], chat["top_notice"]
            event, = room.told(other["app_id"], "im.message.recalled_v1")
            told = event["payload"]
            assert (told["message_id"], told["recall_type"]) == (message, "message_owner"), told
        with checks("a reply to it is 230011; a message of others is not recalled: 230026 with the reason"):
            code(reply(room.bot, message), 230011)
            said = room.says("mine")
            code(room.bot.im.v1.message.delete(message_id=said), 230026, "ext=User is NOT the group owner or group admin.")


def edits(checks, server):
    with Room(server) as room, checks("a text is edited 20 times; the 21st is 230072"):
        message = sent(room.bot, room.chat)["message_id"]

        def edit(number):
            room.advance(2)
            content = json.dumps({"text": f"edit {number}"})
            return room.bot.im.v1.message.update(message_id=message, body={"msg_type": "text", "content": content})

        for number in range(20):
            data = good(edit(number))
        assert data.updated and json.loads(data.body.content) == {"text": "edit 19"}, vars(data)
        code(edit(20), 230072)


def moderated(checks, server):
    with Room(server) as room, checks("where only the owner may speak, a bot that is a member is 230018, the owner is accepted"):
        owner, owning = room.app()
        chat = room.group(room.facts["app_id"], owner=owner["app_id"], settings={"moderation_permission": "only_owner"})
        code(send(room.bot, chat), 230018)
        good(send(owning, chat))


def removed(checks, server):
    with Room(server) as room:
        said = room.says("hello")
        key = good(upload(room.bot, "stream", "notes.txt", b"notes")).file_key
        file = sent(room.bot, room.chat, "file", {"file_key": key})["message_id"]
        with checks("a bot that was removed: 230002 to send, 231002 to react, 234004 to download"):
            room.leave(room.facts["app_id"])
            code(send(room.bot, room.chat), 230002, "can NOT be out of the chat")
            react = {"reaction_type": {"emoji_type": "OK"}}
            code(room.bot.im.v1.message_reaction.create(message_id=said, body=react), 231002)
            code(room.bot.im.v1.message_resource.get(message_id=file, file_key=key, type="file"), 234004)
        with checks("a dissolved chat: 232009"):
            chat = room.group(room.facts["app_id"], room.people[0]["user_id"])
            body = {"as": room.people[0]["user_id"], "keep_history": False}
            server.control("POST", f"{room.home.path}/chats/{chat}/dissolve", body)
            code(send(room.bot, chat), 232009)


def unscoped(checks, server):
    with Room(server) as room, checks("as a user without im:message.send_as_user: 230027 names the scope"):
        user = room.user(scopes=["im:message"])
        text = "Lack of necessary permissions, ext=requires im:message.send_as_user scope."
        code(send(user, room.chat), 230027, text)
        assert room.stored() == []


def limited(checks, server):
    with Room(server) as room, checks("two bots share 5 messages a second in a chat: the sixth is 230020, a second later it is sent"):
        _, other = room.app()
        both = (room.bot, other)
        codes = [answer.code for answer in burst(lambda number: send(both[number % 2], room.chat), 6)]
        assert codes == [0] * 5 + [230020], codes
        time.sleep(1.1)
        good(send(other, room.chat))


def hooks(checks, server):
    text = {"msg_type": "text", "content": {"text": "an alert"}}
    with Room(server) as room:
        path = f"{room.home.path}/chats/{room.chat}/hooks"

        def post(url, body):
            return server.call("POST", url.removeprefix(server.url), body, headers={"Content-Type": "application/json"})

        with checks("custom bot: sent, with both forms of success; unknown token 19001, DingTalk's body 19002"):
            url = server.control("POST", path, {"name": "alerts"})["url"]
            status, _, answer = post(url, text)
            assert (status, answer) == (200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}), answer
            assert room.stored()[-1]["body"]["content"] == '{"text":"an alert"}', room.stored()
            status, _, answer = post(url.rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000", text)
            assert (status, answer["code"]) == (200, 19001) and "StatusCode" not in answer, answer
            status, _, answer = post(url, {"msgtype": "text", "text": {"content": "x"}})
            assert (status, answer["code"], answer["msg"]) == (200, 19002, "params error, msg_type need"), answer
        for plugin, address in ((NotifyFeishu, "{token}/"), (NotifyLark, "")):
            with checks(f"custom bot: Apprise sends by {plugin.secure_protocol}://, and is told that a token is unknown"):
                # Its only change: the address of the platform is a constant of the plugin.
                here = type(plugin.__name__, (plugin,), {"notify_url": f"{server.url}/open-apis/bot/v2/hook/{address}"})
                assert here(token=url.rsplit("/", 1)[1]).notify(body=f"sent by {plugin.secure_protocol}"), url
                assert json.loads(room.stored()[-1]["body"]["content"])["text"].strip() == f"sent by {plugin.secure_protocol}", room.stored()
                before = len(room.stored())
                here(token="00000000-0000-0000-0000-000000000000").notify(body="lost")
                assert len(room.stored()) == before, room.stored()
        with checks("custom bot: a signature, and none: 19021; a missing keyword: 19024"):
            signed = server.control("POST", path, {"secret": "demo"})["url"]
            now = str(int(time.time()))
            key = f"{now}\ndemo".encode()
            sign = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
            assert post(signed, text | {"timestamp": now, "sign": sign})[2]["code"] == 0
            assert post(signed, text)[2]["code"] == 19021
            keyed = server.control("POST", path, {"keywords": ["deploy"]})["url"]
            assert post(keyed, text)[2]["code"] == 19024
        with checks("custom bot: the sixth message of a second is 11232"):
            crowded = server.control("POST", path, {"name": "crowd"})["url"]
            codes = burst(lambda _: post(crowded, text)[2]["code"], 6)
            assert codes == [0] * 5 + [11232], codes


def clicked(checks, server):
    button = {"tag": "button", "element_id": "go", "text": {"tag": "plain_text", "content": "Go"},
              "behaviors": [{"type": "callback", "value": {"go": "yes"}}]}
    card = CARD | {"body": {"elements": [button]}}
    answer = {"toast": {"type": "success", "content": "Gone"}, "card": {"type": "raw", "data": with_text("after")}}
    for kind in long_connection.KINDS:
        with (
            Room(server) as room, checks(f"{kind}: a click is answered with a card; its token replaces the card twice, then 300040"),
            long_connection.Listener(kind, server, room.facts, answer=answer) as client,
        ):
            long_connection.until("it is connected", lambda: long_connection.online(server, room.facts) == 1)
            message_id = sent(room.bot, room.chat, "interactive", card)["message_id"]
            seen = room.clicks(message_id, element="go")
            assert seen["toast"] == answer["toast"] and "code" not in seen, seen
            long_connection.until("its lines are read", lambda: client.said("callback"))
            callback, = client.said("callback")
            assert callback["action"]["value"] == {"go": "yes"} and callback["action"]["tag"] == "button", callback
            assert callback["context"] == {"open_chat_id": room.chat, "open_message_id": message_id}, callback
            assert callback["operator"]["open_id"] == room.people[0]["open_id"], callback

            def content():
                return shown(room.bot, message_id, card_msg_content_type="user_card_content")["body"]["content"]

            assert json.loads(content()) == with_text("after"), content()
            for text in ("later", "latest"):
                body = {"token": callback["token"], "card": with_text(text)}
                assert room.http("POST", "/interactive/v1/card/update", body)[1]["code"] == 0
            assert json.loads(content()) == with_text("latest"), content()
            assert room.http("POST", "/interactive/v1/card/update", body)[1]["code"] == 300040
