"""An official Python client on a long connection. It prints a line of JSON for each event that it hears, and why it ended.

FACTS: base_url, app_id, app_secret; `delay`, the seconds that its handler takes.
"""

import json
import os
import time

import lark_oapi as lark

FACTS = json.loads(os.environ["FACTS"])


def say(**what):
    print(json.dumps(what), flush=True)


def heard(event):
    say(event=json.loads(lark.JSON.marshal(event)))
    time.sleep(FACTS.get("delay", 0))


handler = lark.EventDispatcherHandler.builder("", "").register_p2_im_chat_updated_v1(heard).build()
client = lark.ws.Client(
    FACTS["app_id"], FACTS["app_secret"], event_handler=handler, domain=FACTS["base_url"], log_level=lark.LogLevel.CRITICAL
)
try:
    client.start()
except Exception as error:
    say(error=type(error).__name__, code=getattr(error, "code", None))
