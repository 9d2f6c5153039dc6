"""Writers: each makes chats, tags, bindings and tabs, edits the chats, and records each acknowledgment before it continues."""

import threading
import time

from servers import Caller

TAGS = 5
TABS = 3
# The platform's limit is 20 tabs.
ROUNDS = 6
# How often a chat's description is changed: each is an event.
EDITS = 6


class Writer(threading.Thread):
    """One writer. Nothing is sent twice: a write without an acknowledgment is in doubt, and the writer continues."""

    def __init__(self, number, ports, world, token, ledger, pause):
        super().__init__(name=f"writer {number}", daemon=True)
        self.number, self.world, self.token, self.ledger, self.pause = number, world, token, ledger, pause
        self.caller = Caller(ports, number)
        self.told = threading.Event()
        self.step = 0

    def run(self):
        try:
            while not self.told.is_set():
                self.round()
        except Exception as error:
            # A writer that stops early would make the drill easier.
            self.ledger.refuse(f"{self.name} failed: {error!r}")

    def write(self, method, path, body, write):
        """One write. Its data if it was acknowledged, else None."""
        write["world"] = self.world
        while not self.told.is_set():
            status, answer = self.caller.call(method, path, body, self.token)
            if status == 200 and answer["code"] == 0:
                data = answer.get("data", {})
                write |= {"id": data.get("chat_id") or data.get("id")}
                if "create_tag_fail_reason" in data:
                    self.ledger.refuse(f"a tag is there before it was made: {write}")
                    return None
                self.ledger.acknowledge(write)
                time.sleep(self.pause)
                return data
            if status == 0:
                # No server has seen it: it can be repeated.
                time.sleep(0.05)
                continue
            if status == -1 or (status == 503 and answer["code"] == 5000):
                self.ledger.doubt(write | {"none": self.caller.outcome == "none"})
                time.sleep(0.1)
            else:
                self.ledger.refuse(f"{status} {answer} to {write}")
                time.sleep(0.1)
            return None
        return None

    def name_of(self, what):
        self.step += 1
        return f"{what}-{self.number}-{self.step}"

    def round(self):
        name = self.name_of("chat")
        write = {"kind": "chat", "name": name}
        data = self.write("POST", f"/open-apis/im/v1/chats?uuid={name}", {"name": name}, write)
        if data is None:
            return
        chat, tags = data["chat_id"], []
        for _ in range(TAGS):
            name = self.name_of("tag")
            body = {"create_tag": {"tag_type": "tenant", "name": name}}
            data = self.write("POST", "/open-apis/im/v2/tags", body, {"kind": "tag", "name": name})
            if data is not None:
                tags.append(data["id"])
        if tags:
            body = {"tag_biz_type": "chat", "biz_entity_id": chat, "tag_ids": tags}
            self.write("POST", "/open-apis/im/v2/biz_entity_tag_relation", body,
                       {"kind": "bind", "chat": chat, "tags": tags})
        for _ in range(ROUNDS):
            mark = self.name_of("tab")
            tabs = [{"tab_type": "url", "tab_name": f"{mark}-{part}", "tab_content": {"url": "https://example.com"}}
                    for part in range(TABS)]
            self.write("POST", f"/open-apis/im/v1/chats/{chat}/chat_tabs", {"chat_tabs": tabs},
                       {"kind": "tabs", "chat": chat, "name": mark})
            if self.told.is_set():
                return
        for _ in range(EDITS):
            mark = self.name_of("edit")
            data = self.write("PUT", f"/open-apis/im/v1/chats/{chat}", {"description": mark},
                              {"kind": "edit", "chat": chat, "name": mark, "step": self.step})
            # After one in doubt the chat is left alone: whether that was done can be seen in the chat.
            if data is None or self.told.is_set():
                return


class Crowd:
    """All writers of one scenario."""

    def __init__(self, ports, tokens, ledger, count, pause):
        self.ledger = ledger
        worlds = [number % len(tokens) for number in range(count)]
        self.writers = [Writer(number, ports, world, tokens[world], ledger, pause) for number, world in enumerate(worlds)]
        self.began = time.monotonic()

    def start(self):
        for writer in self.writers:
            writer.start()

    def stop(self):
        """Stops them, and returns the longest time without an acknowledgment."""
        ended = time.monotonic()
        for writer in self.writers:
            writer.told.set()
        for writer in self.writers:
            writer.join(60)
            if writer.is_alive():
                self.ledger.refuse(f"{writer.name} does not end")
        return self.ledger.outage(self.began, ended)
