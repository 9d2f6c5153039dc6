"""Sequences of plain calls, as clients make them that are not installed here: a plugin and an adapter of a bot framework."""

import io
import json

from harness import png
from room import Room
from sdk import good


def run(checks, server):
    plugin(checks, server)
    adapter(checks, server)
    announcer(checks, server)


def text_of(message):
    return json.loads(message["body"]["content"])


def plugin(checks, server):
    """The vendor's plugin: it looks who it is, hears a mention that quotes a message, and answers with markdown."""
    with Room(server) as room, checks("plugin: who it is, a mention that quotes, Typing, mget, a reply in markdown"):
        ping = room.does("POST", "/bot/v1/openclaw_bot/ping", {"needBotInfo": True})["pingBotInfo"]
        own = server.good("GET", "/open-apis/bot/v3/info", token=room.token)["bot"]["open_id"]
        assert ping["botID"] == own, ping
        quoted = room.says("the plan", 1)
        said = room.says(f'<at user_id="{room.facts["app_id"]}"></at> what is it', reply_to=quoted)
        told = [event["payload"]["message"] for event in room.told(room.facts["app_id"], "im.message.receive_v1")]
        heard, = [message for message in told if message["message_id"] == said]
        assert heard["parent_id"] == quoted and heard["mentions"][0]["id"]["open_id"] == own, heard
        bots = room.does("GET", f"/im/v1/chats/{room.chat}/members/bots")["items"]
        assert [bot["bot_id"] for bot in bots] == [own], bots
        people = room.does("GET", f"/im/v1/chats/{room.chat}/members?member_id_type=open_id&page_size=100")["items"]
        assert room.people[0]["open_id"] in [one["member_id"] for one in people], people
        react = {"reaction_type": {"emoji_type": "Typing"}}
        reaction = room.does("POST", f"/im/v1/messages/{said}/reactions", react)["reaction_id"]
        query = f"message_ids={quoted}&user_id_type=open_id&card_msg_content_type=raw_card_content"
        item, = room.does("GET", f"/im/v1/messages/mget?{query}")["items"]
        assert item["message_id"] == quoted and text_of(item) == {"text": "the plan"}, item
        post = {"zh_cn": {"content": [[{"tag": "md", "text": "It is **this**:\n- one\n- two"}]]}}
        body = {"msg_type": "post", "content": json.dumps(post)}
        answer = room.does("POST", f"/im/v1/messages/{said}/reply", body)
        assert (answer["parent_id"], answer["root_id"]) == (said, quoted), answer
        tags = {node["tag"] for line in text_of(answer)["content"] for node in line}
        assert "md" not in tags and "text" in tags, answer
        removed = room.does("DELETE", f"/im/v1/messages/{said}/reactions/{reaction}")
        assert removed["reaction_id"] == reaction and removed["reaction_type"] == {"emoji_type": "Typing"}, removed
        left = room.does("GET", f"/im/v1/messages/{said}/reactions?reaction_type=Typing")
        assert not left.get("items"), left


def adapter(checks, server):
    """An adapter of a framework: the parent of a reply, sending, listing, editing, read state, files, recalling."""
    with Room(server) as room:
        with checks("adapter: the parent of what was said, an answer, its edit, the list, and the recall"):
            parent = room.says("first", 1)
            said = room.says("second", reply_to=parent)
            item, = room.does("GET", f"/im/v1/messages/{said}")["items"]
            assert item["parent_id"] == parent, item
            item, = room.does("GET", f"/im/v1/messages/{item['parent_id']}")["items"]
            assert text_of(item) == {"text": "first"} and item["sender"]["id"] == room.people[1]["open_id"], item
            content = json.dumps({"text": "an answer"})
            body = {"receive_id": room.chat, "msg_type": "text", "content": content}
            sent = room.does("POST", "/im/v1/messages?receive_id_type=chat_id", body)["message_id"]
            body = {"msg_type": "text", "content": json.dumps({"text": "a better answer"})}
            edited = room.does("PUT", f"/im/v1/messages/{sent}", body)
            assert edited["updated"] and text_of(edited) == {"text": "a better answer"}, edited
            query = f"container_id_type=chat&container_id={room.chat}&page_size=50&sort_type=ByCreateTimeDesc"
            listed = room.does("GET", f"/im/v1/messages?{query}")
            assert [one["message_id"] for one in listed["items"]] == [sent, said, parent] and not listed["has_more"], listed
            reader = room.people[0]["user_id"]
            server.control("PUT", f"{room.home.path}/messages/{sent}/read", {"as": reader})
            readers = room.does("GET", f"/im/v1/messages/{sent}/read_users?user_id_type=open_id")["items"]
            assert [one["user_id"] for one in readers] == [room.people[0]["open_id"]], readers
            room.does("DELETE", f"/im/v1/messages/{sent}")
            listed = room.does("GET", f"/im/v1/messages?{query}")["items"]
            assert listed[0]["message_id"] == sent and listed[0]["deleted"], listed
        with checks("adapter: three messages forwarded as one read back as four, the parts under the first"):
            ids = [room.says(text, 1) for text in ("a", "b", "c")]
            body = {"receive_id": room.chat, "message_id_list": ids}
            answer = room.does("POST", "/im/v1/messages/merge_forward?receive_id_type=chat_id", body)
            whole = answer["message"]["message_id"]
            assert answer["message"]["body"]["content"] == "Merged and Forwarded Message", answer
            items = room.does("GET", f"/im/v1/messages/{whole}")["items"]
            assert [item.get("upper_message_id") for item in items] == [None] + [whole] * 3, items
            assert [text_of(item)["text"] for item in items[1:]] == ["a", "b", "c"], items
        with checks("adapter: an image that a user sent is downloaded from the message"):
            key = good(room.bot.im.v1.image.create(body={"image_type": "message", "image": io.BytesIO(png())})).image_key
            body = {"as": room.people[0]["user_id"], "msg_type": "image", "content": {"image_key": key}}
            path = f"{room.home.path}/chats/{room.chat}/messages"
            message = server.control("POST", path, body)["message_id"]
            path = f"/open-apis/im/v1/messages/{message}/resources/{key}?type=image"
            status, names, got = server.call("GET", path, token=room.token)
            assert (status, names["Content-Type"], got) == (200, "image/png", png()), (status, got)


def announcer(checks, server):
    """A program that tells many people at once."""
    with Room(server) as room, checks("announcer: to two people and a wrong id: bm-, the wrong id, progress, recall"):
        good_ids = [room.people[0]["open_id"], room.people[1]["open_id"]]
        wrong = "ou_" + "0" * 32
        body = {"msg_type": "text", "content": {"text": "news"}, "open_ids": [*good_ids, wrong]}
        answer = room.does("POST", "/message/v4/batch_send/", body)
        assert answer["message_id"].startswith("bm-") and answer["invalid_open_ids"] == [wrong], answer
        path = f"/im/v1/batch_messages/{answer['message_id']}"
        assert [one["body"]["content"] for one in room.stored(room.p2p())] == ['{"text":"news"}'], room.stored(room.p2p())
        sent = room.does("GET", f"{path}/get_progress")["batch_message_send_progress"]
        assert sent == {"valid_user_ids_count": 2, "success_user_ids_count": 2, "read_user_ids_count": 0}, sent
        room.does("DELETE", path)
        recalled = room.does("GET", f"{path}/get_progress")["batch_message_recall_progress"]
        assert recalled == {"recall": True, "recall_count": 2}, recalled
