"""A bot on a long connection. It repeats what it is told. Told "card", it shows a card whose button changes the card.
Told "stream", it answers bit by bit.

    pip install lark-oapi
    APP_ID=cli_… APP_SECRET=… BASE_URL=http://127.0.0.1:5275 python bot.py

Only BASE_URL differs from the platform's own servers.
"""

import json
import os
import threading

import lark_oapi as lark
from lark_oapi.api.cardkit import v1 as cardkit
from lark_oapi.api.im import v1 as im
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

BASE_URL = os.environ.get("BASE_URL", "https://open.feishu.cn")
APP_ID, APP_SECRET = os.environ["APP_ID"], os.environ["APP_SECRET"]
client = lark.Client.builder().domain(BASE_URL).app_id(APP_ID).app_secret(APP_SECRET).build()


def done(answer):  # The SDK does not raise: check every answer.
    assert answer.success(), f"{answer.code} {answer.msg} {answer.get_log_id()}"
    return getattr(answer, "data", None)


def reply(message_id, msg_type, content):
    body = {"msg_type": msg_type, "content": json.dumps(content)}
    done(client.im.v1.message.reply(im.ReplyMessageRequest.builder().message_id(message_id).request_body(body).build()))


def card(*elements, **config):
    return {"schema": "2.0", "config": {"update_multi": True, **config}, "body": {"elements": list(elements)}}


def question():
    name = {"tag": "plain_text", "content": "Approve"}
    clicked = [{"type": "callback", "value": {"decision": "approved"}}]
    button = {"tag": "button", "element_id": "approve", "text": name, "behaviors": clicked}
    return card({"tag": "markdown", "content": "Deploy release 7?"}, button)


def stream(message_id, words):
    empty = card({"tag": "markdown", "element_id": "answer", "content": ""}, streaming_mode=True)
    body = {"type": "card_json", "data": json.dumps(empty)}
    made = done(client.cardkit.v1.card.create(cardkit.CreateCardRequest.builder().request_body(body).build()))
    reply(message_id, "interactive", {"type": "card", "data": {"card_id": made.card_id}})
    element = cardkit.ContentCardElementRequest.builder().card_id(made.card_id).element_id("answer")
    for number in range(1, len(words) + 1):  # Each call has the whole text so far, and a greater sequence.
        body = {"content": " ".join(words[:number]), "sequence": number}
        done(client.cardkit.v1.card_element.content(element.request_body(body).build()))
    body = {"settings": json.dumps({"config": {"streaming_mode": False}}), "sequence": len(words) + 1}
    done(client.cardkit.v1.card.settings(cardkit.SettingsCardRequest.builder().card_id(made.card_id).request_body(body).build()))


def answer(message):
    text = json.loads(message.content).get("text", "") if message.message_type == "text" else ""
    text = " ".join(word for word in text.split() if not word.startswith("@_"))  # Without mentions.
    if text == "card":
        reply(message.message_id, "interactive", question())
    elif text == "stream":
        stream(message.message_id, "This answer came bit by bit".split())
    elif text:
        reply(message.message_id, "text", {"text": text})


def heard(event):  # The platform waits 3 s for a handler: a thread does the work.
    threading.Thread(target=answer, args=[event.event.message]).start()


def clicked(event):
    shown = card({"tag": "markdown", "content": f"Release 7 is {event.event.action.value['decision']}"})
    return P2CardActionTriggerResponse({"toast": {"type": "success", "content": "Approved"}, "card": {"type": "raw", "data": shown}})


handler = lark.EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(heard)
handler = handler.register_p2_card_action_trigger(clicked).build()
lark.ws.Client(APP_ID, APP_SECRET, event_handler=handler, domain=BASE_URL).start()
