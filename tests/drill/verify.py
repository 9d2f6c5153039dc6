"""The outcome of each write, according to both nodes."""

import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from servers import Caller
from writers import TABS

READERS = 6


class Facts:
    """The answers of one node."""

    def __init__(self, servers, at, tokens, ledger):
        self.at, self.ports, self.tokens = at, servers.ports, tokens
        # (world, name) -> chat ids
        self.chats = {}
        # chat id -> (bots, tabs by the write that made them, tag ids, the step of the last edit)
        self.inside = {}
        # tag id -> name
        self.tags = {}
        for world, token in enumerate(tokens):
            self.list_chats(world, token)
        known = [(world, chat) for (world, _), chats in self.chats.items() for chat in chats]
        listed = {chat for _, chat in known}
        ids = [(write["world"], write["id"]) for write in ledger.acknowledged if write["kind"] == "tag"]
        parts = [(world, [tag for its, tag in ids if its == world]) for world in range(len(tokens))]
        batches = [(world, tags[start:start + 40]) for world, tags in parts for start in range(0, len(tags), 40)]
        with ThreadPoolExecutor(READERS) as pool:
            # An acknowledged chat that is not listed is lost, whatever else refers to it.
            list(pool.map(self.look_inside, [each for each in known if each[1] in listed]))
            list(pool.map(self.look_up, batches))

    def get(self, world, path):
        return Caller(self.ports).good("GET", path, token=self.tokens[world], only=self.at)

    def list_chats(self, world, token):
        caller, page = Caller(self.ports), ""
        while page is not None:
            data = caller.good("GET", f"/open-apis/im/v1/chats?page_size=100&page_token={urllib.parse.quote(page)}",
                               token=token, only=self.at)
            for chat in data["items"]:
                self.chats.setdefault((world, chat["name"]), []).append(chat["chat_id"])
            page = data["page_token"] if data["has_more"] else None

    def look_inside(self, place):
        world, chat = place
        settings = self.get(world, f"/open-apis/im/v1/chats/{chat}")
        tabs = {}
        for tab in self.get(world, f"/open-apis/im/v1/chats/{chat}/chat_tabs/list_tabs")["chat_tabs"]:
            mark = tab.get("tab_name", "").rpartition("-")[0]
            tabs[mark] = tabs.get(mark, 0) + 1
        path = f"/open-apis/im/v2/biz_entity_tag_relation?tag_biz_type=chat&biz_entity_id={chat}"
        bound = self.get(world, path)["tag_info_with_bind_versions"]
        mark = settings["description"]
        step = int(mark.rpartition("-")[2]) if mark.startswith("edit-") else 0
        self.inside[chat] = (settings["bot_count"], tabs, {tag["tag_info"]["id"] for tag in bound}, step)

    def look_up(self, batch):
        world, ids = batch
        for tag in self.get(world, f"/open-apis/im/v2/tags?{urllib.parse.urlencode({'ids': ids}, doseq=True)}")["tag_infos"]:
            self.tags[tag["id"]] = tag["name"]

    def has(self, write, gone):
        """The part of a write that exists, from 0 to 1. `gone`: lost tags."""
        if write["kind"] == "chat":
            chats = self.chats.get((write["world"], write["name"]), [])
            return 0 if not chats else 1 if len(chats) == 1 and self.inside[chats[0]][0] == "1" else 0.5
        if write["kind"] == "tag":
            return 1 if self.tags.get(write.get("id")) == write["name"] else 0
        _, tabs, bound, step = self.inside.get(write["chat"], ("0", {}, set(), 0))
        if write["kind"] == "edit":
            # Later edits replace it; there is none after one in doubt.
            return 1 if step >= write["step"] else 0
        if write["kind"] == "tabs":
            return tabs.get(write["name"], 0) / TABS
        wanted = set(write["tags"]) - gone
        return len(wanted & bound) / len(wanted) if wanted else 1


class Verdict:
    """The sums of one scenario."""

    def __init__(self, servers, tokens, ledger, audience):
        self.acknowledged = len(ledger.acknowledged)
        self.unknown = len(ledger.unknown)
        self.examples = []
        self.lost = self.torn = self.committed = self.denied = 0
        self.hear(audience, ledger)
        doubted = self.doubted_tags(servers, tokens, ledger)
        nodes = [Facts(servers, at, tokens, ledger) for at in range(len(servers.ports))]
        gone = {write["id"] for write in ledger.acknowledged
                if write["kind"] == "tag" and any(node.has(write, set()) < 1 for node in nodes)}
        for write in ledger.acknowledged:
            there = [node.has(write, gone) for node in nodes]
            if min(there) < 1:
                self.lost += 1
                self.tell(f"lost: {write}: {there}")
            self.torn += self.is_torn(write, there)
        for write in ledger.unknown:
            if write["kind"] == "tag":
                there = [1 if doubted[write["world"], write["name"]] else 0]
            else:
                there = [node.has(write, gone) for node in nodes]
                self.torn += self.is_torn(write, there)
            self.committed += max(there) == 1
            if write["kind"] == "edit" and max(there) == 0 and (write["chat"], write["name"]) in self.said:
                self.untrue.append(f"heard, and not there: {write}")
            if write["none"] and max(there) > 0:
                self.denied += 1
                self.tell(f"there, though its answer said that nothing of it was done: {write}: {there}")
        known = {(write["world"], write["name"]) for write in ledger.acknowledged + ledger.unknown
                 if write["kind"] == "chat"} | {(world, "Larkspur demo") for world in range(len(tokens))}
        self.strange = sorted({name for node in nodes for name in node.chats if name not in known})

    def hear(self, audience, ledger):
        """What was heard of the edits."""
        edits = [write for write in ledger.acknowledged if write["kind"] == "edit"]
        self.emitting, self.unheard = len(edits), audience.missing(ledger)
        told = Counter(write for subscriber in audience.all for write in subscriber.heard.writes())
        self.said = set(told)
        written = {(write["chat"], write["name"]) for write in edits + ledger.unknown if write["kind"] == "edit"}
        self.untrue = [f"heard as {count} events: {write}" for write, count in told.items() if count > 1]
        self.untrue.extend(f"heard, and never written: {write}" for write in self.said - written)

    def is_torn(self, write, there):
        """Partly present, or present on only one node."""
        torn = min(there) != max(there) or 0 < min(there) < 1
        if torn:
            self.tell(f"torn: {write}: {there}")
        return torn

    def tell(self, text):
        if len(self.examples) < 5:
            self.examples.append(text)

    def doubted_tags(self, servers, tokens, ledger):
        """Whether the tags in doubt exist: creating them again shows it, since their names are taken."""
        caller, found = Caller(servers.ports), {}
        for write in ledger.unknown:
            if write["kind"] == "tag":
                body = {"create_tag": {"tag_type": "tenant", "name": write["name"]}}
                data = caller.good("POST", "/open-apis/im/v2/tags", body, tokens[write["world"]])
                found[write["world"], write["name"]] = "create_tag_fail_reason" in data
        return found
