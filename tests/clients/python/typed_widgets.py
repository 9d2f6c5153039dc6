"""Parts of a group: tabs, its menu, its announcement."""

import io
import json
import time

from harness import png
from sdk import data_of, good, refused


def run(checks, stage):
    for name, who in stage.both:
        tabs(checks, stage, name, who)
        announcement(checks, stage, name, who)
        long_announcement(checks, stage, name, who)
        old_announcement(checks, stage, name, who)
    menu(checks, stage)


def url(name):
    return {"tab_name": name, "tab_type": "url", "tab_content": {"url": f"https://example.com/{name}"}}


def tabs(checks, stage, name, who):
    api = who.im.v1.chat_tab
    chat = stage.group(who)
    with checks(f"{name}: add, rename, sort and delete tabs"):
        made = good(api.create(chat_id=chat, body={"chat_tabs": [url("a"), url("b"), url("c")]})).chat_tabs
        first, a, b, c = [tab.tab_id for tab in made]
        assert [tab.tab_type for tab in made] == ["message", "url", "url", "url"]
        changed = {"tab_id": b, **url("renamed")}
        tabs = good(api.update_tabs(chat_id=chat, body={"chat_tabs": [changed]})).chat_tabs
        assert [(tab.tab_name, tab.tab_content.url) for tab in tabs if tab.tab_id == b] == [
            ("renamed", "https://example.com/renamed")
        ]
        tabs = good(api.sort_tabs(chat_id=chat, body={"tab_ids": [first, c, b, a]})).chat_tabs
        assert [tab.tab_id for tab in tabs] == [first, c, b, a]
        tabs = good(api.delete_tabs(chat_id=chat, body={"tab_ids": [c, a]})).chat_tabs
        assert [tab.tab_id for tab in tabs] == [first, b]
        assert [tab.tab_name for tab in good(api.list_tabs(chat_id=chat)).chat_tabs] == [None, "renamed"]
        refused(api.delete_tabs(chat_id=chat, body={"tab_ids": []}), 232001)


def announcement(checks, stage, name, who):
    """As a program does that knows both forms: it tries the old one first."""
    chat = stage.group(who)
    api, blocks, children = who.docx.v1.chat_announcement, who.docx.v1.chat_announcement_block, who.docx.v1.chat_announcement_block_children
    with checks(f"{name}: read and edit the announcement"):
        refused(who.im.v1.chat_announcement.get(chat_id=chat), 232097)
        info = good(api.get(chat_id=chat, user_id_type="open_id"))
        assert (info.revision_id, info.announcement_type, info.owner_id_type) == (1, "docx", "open_id"), vars(info)
        text = {"block_type": 2, "text": {"elements": [{"text_run": {"content": "Hello"}}], "style": {}}}
        table = {"block_type": 31, "table": {"property": {"row_size": 2, "column_size": 2}}}
        made = good(children.create(chat_id=chat, block_id=chat, revision_id=1, body={"children": [text, table], "index": 0}))
        assert made.revision_id == 2 and made.client_token, vars(made)
        first, second = made.children
        assert first.text.elements[0].text_run.content == "Hello" and len(second.table.cells) == 4
        edits = [
            {"block_id": first.block_id, "update_text_elements": {"elements": [{"text_run": {"content": "Bye"}}]}},
            {"block_id": second.block_id, "insert_table_row": {"row_index": 1}},
        ]
        changed = good(blocks.batch_update(chat_id=chat, body={"requests": edits}))
        assert [len(one.children or []) for one in changed.blocks] == [0, 6] and changed.revision_id == 3
        listed = good(blocks.list(chat_id=chat, page_size=2))
        assert [one.block_type for one in listed.items] == [1, 2] and listed.has_more, vars(listed)
        shown = good(blocks.get(chat_id=chat, block_id=first.block_id)).block
        assert shown.text.elements[0].text_run.content == "Bye" and shown.parent_id == chat
        assert len(good(children.get(chat_id=chat, block_id=chat)).items) == 2
        gone = good(children.batch_delete(chat_id=chat, block_id=chat, body={"start_index": 0, "end_index": 2}))
        assert gone.revision_id == 4, vars(gone)
        refused(blocks.get(chat_id=chat, block_id=first.block_id), 1770002, status=404)


def long_announcement(checks, stage, name, who):
    """A page with a block of each usual kind, read page by page, changed and cleared."""
    chat = stage.group(who)
    blocks, children = who.docx.v1.chat_announcement_block, who.docx.v1.chat_announcement_block_children

    def text(kind, member, content, *more):
        return {"block_type": kind, member: {"elements": [{"text_run": {"content": content}}, *more]}}

    def everything(size):
        found, token = [], ""
        for _ in range(100):
            page = good(blocks.list(chat_id=chat, page_size=size, **({"page_token": token} if token else {})))
            assert len(page.items) <= size and bool(page.has_more) == bool(page.page_token), vars(page)
            found, token = found + page.items, page.page_token
            if not token:
                return found
        raise AssertionError("the list of blocks has no end")

    with checks(f"{name}: an announcement with headings, lists, a table, a picture and a mention"):
        mention = {"mention_user": {"user_id": stage.person(1)}}
        table = {"block_type": 31, "table": {"property": {"row_size": 2, "column_size": 2, "header_row": True}}}
        new = [text(3, "heading1", "Release 7"), text(12, "bullet", "faster"), text(13, "ordered", "first"), table,
               {"block_type": 27, "image": {}}, text(2, "text", "ask ", mention)]
        made = good(children.create(chat_id=chat, block_id=chat, user_id_type="open_id", body={"children": new, "index": -1}))
        assert [one.block_type for one in made.children] == [3, 12, 13, 31, 27, 2] and made.revision_id == 2, vars(made)
        heading, bullet, _, grid, image, asked = made.children
        assert (heading.heading1.elements[0].text_run.content, bullet.bullet.elements[0].text_run.content) == ("Release 7", "faster")
        assert asked.text.elements[1].mention_user.user_id == stage.person(1), vars(asked.text.elements[1])
        whole = everything(500)
        assert [one.block_id for one in everything(8)] == [one.block_id for one in whole] and len(whole) == 15, len(whole)
        cell, = [one for one in whole if one.parent_id == grid.table.cells[0]]
        key = good(who.im.v1.image.create(body={"image_type": "message", "image": io.BytesIO(png())})).image_key if who is stage.bot else None
        edits = [
            {"block_id": heading.block_id, "update_text_elements": {"elements": [{"text_run": {"content": "Release 8"}}]}},
            {"block_id": cell.block_id, "update_text_elements": {"elements": [{"text_run": {"content": "cell"}}]}},
            {"block_id": grid.block_id, "merge_table_cells": {"row_start_index": 0, "row_end_index": 1, "column_start_index": 0, "column_end_index": 2}},
        ]
        if key:
            edits.append({"block_id": image.block_id, "replace_image": {"token": key}})
        changed = good(blocks.batch_update(chat_id=chat, body={"requests": edits}))
        assert changed.revision_id == 3 and changed.blocks[0].heading1.elements[0].text_run.content == "Release 8", vars(changed)
        assert not key or changed.blocks[3].image.token == key, vars(changed.blocks[3].image)
        gone = good(children.batch_delete(chat_id=chat, block_id=chat, body={"start_index": 1, "end_index": 6}))
        assert gone.revision_id == 4 and [one.block_type for one in everything(500)] == [1, 3]
        # Announcements take few calls a second: the next journey begins with a fresh second.
        time.sleep(1.1)


def old_announcement(checks, stage, name, who):
    api = who.im.v1.chat_announcement
    chat = stage.group(who)
    stage.server.control("PATCH", f"{stage.home.path}/chats/{chat}", {"announcement_type": "doc"})
    with checks(f"{name}: read and edit the announcement of the old form"):
        before = good(api.get(chat_id=chat, user_id_type="open_id"))
        kind = "app_id" if who is stage.bot else "open_id"
        assert (before.revision, before.owner_id_type) == ("0", kind) and before.create_time.isdecimal(), vars(before)
        run = {"type": "textRun", "textRun": {"text": "Hello", "style": {}}}
        blocks = [{"type": "paragraph", "paragraph": {"elements": [run], "style": {}}}]
        insert = {"payload": json.dumps({"blocks": blocks}), "location": {"zoneId": "0", "index": 0, "endOfZone": True}}
        request = json.dumps({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": insert})
        answer = api.patch(chat_id=chat, body={"revision": before.revision, "requests": [request]})
        good(answer)
        assert data_of(answer)["data"] == {}
        after = good(api.get(chat_id=chat, user_id_type="open_id"))
        assert after.revision == "1" and json.loads(after.content)["body"]["blocks"] == blocks, vars(after)
        if who is not stage.bot:
            assert after.modifier_id == stage.person(0), vars(after)


def menu(checks, stage):
    chat = stage.group(stage.bot)
    api, items = stage.bot.im.v1.chat_menu_tree, stage.bot.im.v1.chat_menu_item

    def link(name):
        address = {"common_url": f"https://example.com/{name}"}
        return {"chat_menu_item": {"action_type": "REDIRECT_LINK", "name": name, "redirect_link": address}}

    def plain(name):
        return {"chat_menu_item": {"action_type": "NONE", "name": name, "i18n_names": {"zh_cn": "菜单"}}}

    def names(tree):
        return [one.chat_menu_item.name for one in tree.chat_menu_top_levels]

    with checks("add to the menu, sort it, change an item, delete one"):
        tree = {"chat_menu_top_levels": [link("a"), {**plain("b"), "children": [link("c")]}]}
        made = good(api.create(chat_id=chat, body={"menu_tree": tree})).menu_tree
        assert names(made) == ["a", "b"]
        first, second = [one.chat_menu_top_level_id for one in made.chat_menu_top_levels]
        child = made.chat_menu_top_levels[1].children[0]
        assert child.chat_menu_item.redirect_link.common_url == "https://example.com/c"
        assert made.chat_menu_top_levels[1].chat_menu_item.i18n_names.zh_cn == "菜单"
        sorted_tree = good(api.sort(chat_id=chat, body={"chat_menu_top_level_ids": [second, first]})).menu_tree
        assert names(sorted_tree) == ["b", "a"]
        body = {"update_fields": ["NAME"], "chat_menu_item": {"action_type": "REDIRECT_LINK", "name": "A"}}
        assert good(items.patch(chat_id=chat, menu_item_id=first, body=body)).chat_menu_item.name == "A"
        assert names(good(api.get(chat_id=chat)).menu_tree) == ["b", "A"]
        left = good(api.delete(chat_id=chat, body={"chat_menu_top_level_ids": [second]})).menu_tree
        assert names(left) == ["A"]

    with checks("an item that the menu does not have"):
        body = {"update_fields": ["NAME"], "chat_menu_item": {"action_type": "NONE", "name": "x"}}
        refused(items.patch(chat_id=chat, menu_item_id="7000000000000000000", body=body), 232001)
