"""An official Python client on a long connection. It prints a line of JSON for each event that it hears, and why it ended.

FACTS: base_url, app_id, app_secret; `delay`, the seconds that its handler takes; `answer`, what it answers to a click
of a card, which it prints, too: without it a toast. If the value of the action says `fail`, its handler raises.
"""

import json
import os
import time

import lark_oapi as lark
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

FACTS = json.loads(os.environ["FACTS"])


def say(**what):
    print(json.dumps(what), flush=True)


def heard(event):
    say(event=json.loads(lark.JSON.marshal(event)))
    time.sleep(FACTS.get("delay", 0))


def clicked(click):
    said = json.loads(lark.JSON.marshal(click))
    say(clicked=said, callback=said["event"])
    if (click.event.action.value or {}).get("fail"):
        raise ValueError("the handler failed")
    return P2CardActionTriggerResponse(FACTS.get("answer", {"toast": {"type": "success", "content": "Done"}}))


def heard_old(event):
    """An event in the first envelope, of which the SDK has no model."""
    header = {"event_id": event.uuid, "event_type": event.event["type"], "token": event.token}
    say(event={"header": header, "event": event.event})


builder = lark.EventDispatcherHandler.builder("", "").register_p1_customized_event("p2p_chat_create", heard_old)
for kind in (
    "im_chat_updated_v1", "im_chat_disbanded_v1", "im_chat_member_bot_added_v1", "im_chat_member_bot_deleted_v1",
    "im_chat_member_user_added_v1", "im_chat_member_user_deleted_v1", "im_chat_member_user_withdrawn_v1",
    "im_message_receive_v1", "im_message_recalled_v1", "im_message_message_read_v1", "im_message_reaction_created_v1",
    "im_message_reaction_deleted_v1", "im_chat_access_event_bot_p2p_chat_entered_v1", "application_bot_menu_v6",
):
    getattr(builder, f"register_p2_{kind}")(heard)
handler = builder.register_p2_card_action_trigger(clicked).build()
client = lark.ws.Client(
    FACTS["app_id"], FACTS["app_secret"], event_handler=handler, domain=FACTS["base_url"], log_level=lark.LogLevel.CRITICAL
)
try:
    client.start()
except Exception as error:
    say(error=type(error).__name__, code=getattr(error, "code", None))
