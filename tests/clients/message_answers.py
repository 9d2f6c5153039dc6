"""How clients branch on answers: for each branch, the answer that leads into it, and the official channel layer going through it."""

import asyncio
import json
import re

from lark_oapi.channel import FeishuChannel, FeishuChannelErrorCode

from room import CARD, Room, burst, code, reply, send, sent, shown
from sdk import good

MISFORMED = {"zh_cn": {"content": [[{"tag": "no such tag"}]]}}


def run(checks, server):
    channel(checks, server)
    plugin(checks, server)
    others(checks, server)


def through(room, to, message, **options):
    """What the Python SDK's channel layer makes of a message."""
    layer = FeishuChannel(app_id=room.facts["app_id"], app_secret=room.facts["app_secret"], domain=room.server.url)
    return asyncio.run(layer.send(to, message, options or None))


def channel(checks, server):
    with Room(server) as room, checks("channel layer: markdown is sent as one post message"):
        result = through(room, room.chat, {"markdown": "**hello** world"})
        message, = room.stored()
        assert result.success and message["message_id"] == result.message_id and message["msg_type"] == "post", (result, message)
    with Room(server) as room, checks("channel layer: 230002 is a lost target: a reply is sent as a new message"):
        said = room.says("hello")
        room.leave(room.facts["app_id"])
        code(reply(room.bot, said), 230002)
        result = through(room, room.people[0]["open_id"], {"text": "again"}, reply_to=said)
        message, = room.stored(room.p2p())
        assert result.success and message["message_id"] == result.message_id and "parent_id" not in message, (result, message)
    with Room(server) as room, checks("channel layer: 230001 is a wrong format: a post is sent as text"):
        code(send(room.bot, room.chat, "post", MISFORMED), 230001)
        room.refuse("im.v1.message.create", 230001)
        result = through(room, room.chat, {"markdown": "hello"})
        message, = room.stored()
        assert result.success and message["msg_type"] == "text", (result, message)
        assert json.loads(message["body"]["content"]) == {"text": "hello"}, message
    with Room(server) as room, checks("channel layer: 230099 is a wrong format"):
        result = through(room, room.chat, {"card": {"elements": "none"}})
        assert not result.success and result.error.raw_code == 230099, result
        assert result.error.code == FeishuChannelErrorCode.FORMAT_ERROR, result
    for number in (230020, 230017):
        with Room(server) as room, checks(f"channel layer: {number} is a lost target: a reply is sent as a new message"):
            said = room.says("hello")
            room.refuse("im.v1.message.reply", number)
            result = through(room, room.chat, {"text": "again"}, reply_to=said)
            message = room.stored()[-1]
            assert result.success and message["message_id"] == result.message_id and "parent_id" not in message, (result, message)
    with Room(server) as room, checks("channel layer: 230005 is a lost target: a reply is sent as a new message"):
        said = room.says("hello")
        # The platform's page of replies does not list it, so it is no refusal of the operation: a rule answers it.
        rule = {"match": {"operation": "im.v1.message.reply"}, "effect": {"refuse": {"code": 230005, "text": "The message was deleted"}}, "times": 1}
        room.server.control("POST", f"{room.home.path}/faults", rule)
        result = through(room, room.chat, {"text": "again"}, reply_to=said)
        message = room.stored()[-1]
        assert result.success and message["message_id"] == result.message_id and "parent_id" not in message, (result, message)

    streams(checks, server)
    connected(checks, server)


def streams(checks, server):
    async def words(stream):
        for word in ("This ", "came ", "bit by bit"):
            await stream.append(word)

    with Room(server) as room, checks("channel layer: a streamed answer is one card that has the whole text at its end"):
        layer = FeishuChannel(app_id=room.facts["app_id"], app_secret=room.facts["app_secret"], domain=server.url)
        result = asyncio.run(layer.stream(room.chat, {"markdown": words}))
        message, = room.stored()
        assert result.success and message["message_id"] == result.message_id, (result, message)
        content = shown(room.bot, result.message_id, card_msg_content_type="user_card_content")["body"]["content"]
        assert "This came bit by bit" in content, content


def connected(checks, server):
    async def talk(room):
        layer = FeishuChannel(app_id=room.facts["app_id"], app_secret=room.facts["app_secret"], domain=server.url)
        heard = asyncio.get_running_loop().create_future()

        async def on_message(message):
            heard.get_loop().call_soon_threadsafe(heard.set_result, message)

        layer.on("message", on_message)
        await layer.start_background(timeout=20)
        said = room.says(f'<at user_id="{room.facts["app_id"]}"></at> hello')
        message = await asyncio.wait_for(heard, 20)
        reaction = await layer.add_reaction(said, "Typing")
        await layer.remove_reaction(said, data_id(reaction))
        answer = await layer.send(room.chat, {"text": "an answer"}, {"reply_to": said})
        await layer.edit_message(answer.message_id, "a better answer")
        edited = room.stored()[-1]["body"]["content"]
        await layer.recall_message(answer.message_id)
        await layer.stop_background()
        return said, message, edited

    with Room(server) as room, checks("channel layer: it connects, hears a mention by name, reacts, edits and recalls"):
        said, message, edited = asyncio.run(talk(room))
        assert (message.message_id, message.content_text) == (said, "@Larkspur demo hello"), message
        assert "a better answer" in edited, edited
        assert shown(room.bot, room.stored()[-1]["message_id"])["deleted"] is True


def data_id(result):
    """The id of a reaction, wherever this layer has put it."""
    return result.raw["data"]["reaction_id"]


def react(who, message_id, emoji):
    return who.im.v1.message_reaction.create(message_id=message_id, body={"reaction_type": {"emoji_type": emoji}})


def plugin(checks, server):
    with Room(server) as room, checks("plugin: the sixth change of a card in a second is 230020, so it skips a frame"):
        card = sent(room.bot, room.chat, "interactive", CARD)["message_id"]
        body = {"content": json.dumps(CARD)}
        answers = burst(lambda _: room.bot.im.v1.message.patch(message_id=card, body=body), 6)
        assert [answer.code for answer in answers] == [0] * 5 + [230020], [answer.code for answer in answers]
        code(answers[-1], 230020)
    with Room(server) as room, checks("plugin: too many tables are 230099 with 11310 and `table number over limit`, so it sends text"):
        table = {"tag": "table", "columns": [{"name": "a", "data_type": "text"}], "rows": [{"a": "1"}]}
        answer = send(room.bot, room.chat, "interactive", CARD | {"body": {"elements": [table] * 6}})
        code(answer, 230099, "ErrCode: 11310; ")
        assert "table number over limit" in answer.msg, answer.msg
    with Room(server) as room, checks("plugin: a recalled message is 230011 to reply and 231003 to react"):
        message = sent(room.bot, room.chat)["message_id"]
        good(room.bot.im.v1.message.delete(message_id=message))
        code(reply(room.bot, message), 230011, "The message was withdrawn.")
        code(react(room.bot, message, "OK"), 231003)
    with Room(server) as room, checks("plugin: an unknown emoji is 231001; case counts"):
        message = sent(room.bot, room.chat)["message_id"]
        code(react(room.bot, message, "typing"), 231001)
        good(react(room.bot, message, "Typing"))
    with Room(server) as room, checks("plugin: a stream that lasted 10 minutes is over: 200850 or 300309"):
        kit = room.bot.cardkit.v1
        card = CARD | {"config": {"update_multi": True, "streaming_mode": True}}
        card["body"] = {"elements": [{"tag": "markdown", "element_id": "answer", "content": ""}]}
        made = good(kit.card.create(body={"type": "card_json", "data": json.dumps(card)})).card_id
        room.advance(11 * 60)
        answer = kit.card_element.content(card_id=made, element_id="answer", body={"content": "late", "sequence": 1})
        assert answer.code in (200850, 300309) and answer.raw.status_code == 400, answer.raw.content


def others(checks, server):
    with Room(server) as room, checks("hermes: the text of a wrong post, by which it falls back to text"):
        for content in ({"zh_cn": {"title": "no content"}}, {"text": "not a post"}):
            answer = send(room.bot, room.chat, "post", content)
            assert re.search("content format of the post type is incorrect", answer.msg), (content, answer.msg)
            code(answer, 230001)
    with Room(server) as room, checks("hermes: a thread_id as receive_id_type is 99992402, and a dissolved chat 232009"):
        body = {"receive_id": "omt_0123456789ab", "msg_type": "text", "content": '{"text":"x"}'}
        answer = room.bot.im.v1.message.create(receive_id_type="thread_id", body=body)
        code(answer, 99992402)
        chat = room.group(room.facts["app_id"], room.people[0]["user_id"])
        server.control("POST", f"{room.home.path}/chats/{chat}/dissolve", {"as": room.people[0]["user_id"]})
        code(send(room.bot, chat), 232009)
    with Room(server) as room, checks("webhook tools: HTTP 200, code 0 and StatusCode 0"):
        url = server.control("POST", f"{room.home.path}/chats/{room.chat}/hooks", {})["url"]
        body = {"msg_type": "text", "content": {"text": "green"}}
        status, _, answer = server.call("POST", url.removeprefix(server.url), body)
        assert status == 200 and not answer["code"] and answer["StatusCode"] == 0, (status, answer)
        card = {"msg_type": "interactive", "card": {"elements": [{"tag": "hr"}]}}
        assert server.call("POST", url.removeprefix(server.url), card)[2]["StatusCode"] == 0
