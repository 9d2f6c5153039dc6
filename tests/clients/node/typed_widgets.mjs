// Parts of a group: tabs, its menu, its announcement.

import assert from "node:assert/strict";
import { check, good, refused } from "./sdk.mjs";

export async function widgets(stage) {
  for (const [name, who] of stage.both) {
    await tabs(stage, name, who);
    await announcement(stage, name, who);
    await longAnnouncement(stage, name, who);
    await oldAnnouncement(stage, name, who);
  }
  await menu(stage);
}

const tab = (name) => ({ tab_name: name, tab_type: "url", tab_content: { url: `https://example.com/${name}` } });

async function tabs(stage, name, who) {
  await check(`${name}: add, rename, sort and delete tabs`, async () => {
    const api = who.im.v1.chatTab;
    const path = { chat_id: await stage.group(who) };
    const ids = (answer) => good(answer).chat_tabs.map((one) => one.tab_id);
    const [first, a, b] = ids(await api.create({ path, data: { chat_tabs: [tab("a"), tab("b")] } }));
    const renamed = await api.updateTabs({ path, data: { chat_tabs: [{ tab_id: b, ...tab("renamed") }] } });
    assert.equal(good(renamed).chat_tabs.find((one) => one.tab_id === b).tab_name, "renamed");
    assert.deepEqual(ids(await api.sortTabs({ path, data: { tab_ids: [first, b, a] } })), [first, b, a]);
    assert.deepEqual(ids(await api.deleteTabs({ path, data: { tab_ids: [a] } })), [first, b]);
    assert.deepEqual(ids(await api.listTabs({ path })), [first, b]);
    await refused(api.deleteTabs({ path, data: { tab_ids: [] } }), 232001);
  });
}

// As a program does that knows both forms: it tries the old one first.
async function announcement(stage, name, who) {
  await check(`${name}: read and edit the announcement`, async () => {
    const { chatAnnouncement: api, chatAnnouncementBlock: blocks, chatAnnouncementBlockChildren: children } = who.docx.v1;
    const chat_id = await stage.group(who);
    const path = { chat_id, block_id: chat_id };
    await refused(who.im.v1.chatAnnouncement.get({ path: { chat_id } }), 232097);
    const info = good(await api.get({ path: { chat_id } }));
    assert.deepEqual([info.revision_id, info.announcement_type], [1, "docx"]);
    const text = { block_type: 2, text: { elements: [{ text_run: { content: "Hello" } }], style: {} } };
    const made = good(await children.create({ path, params: { revision_id: 1 }, data: { children: [text], index: 0 } }));
    assert.equal(made.revision_id, 2);
    const block_id = made.children[0].block_id;
    const requests = [{ block_id, update_text_elements: { elements: [{ text_run: { content: "Bye" } }] } }];
    assert.equal(good(await blocks.batchUpdate({ path: { chat_id }, data: { requests } })).revision_id, 3);
    const shown = good(await blocks.get({ path: { chat_id, block_id } })).block;
    assert.equal(shown.text.elements[0].text_run.content, "Bye");
    assert.deepEqual(good(await blocks.list({ path: { chat_id } })).items.map((one) => one.block_type), [1, 2]);
    assert.equal(good(await children.get({ path })).items.length, 1);
    const all = { start_index: 0, end_index: 1 };
    assert.equal(good(await children.batchDelete({ path, data: all })).revision_id, 4);
    await refused(blocks.get({ path: { chat_id, block_id }, params: { revision_id: 5 } }), 1770001);
  });
}

// A page with a block of each usual kind, read page by page, changed and cleared.
async function longAnnouncement(stage, name, who) {
  await check(`${name}: an announcement with headings, lists, a table, a picture and a mention`, async () => {
    const { chatAnnouncementBlock: blocks, chatAnnouncementBlockChildren: children } = who.docx.v1;
    const chat_id = await stage.group(who);
    const path = { chat_id, block_id: chat_id };
    const text = (block_type, member, content, ...more) => ({ block_type, [member]: { elements: [{ text_run: { content } }, ...more] } });
    const mention = { mention_user: { user_id: stage.person(1) } };
    const table = { block_type: 31, table: { property: { row_size: 2, column_size: 2, header_row: true } } };
    const all = [text(3, "heading1", "Release 7"), text(12, "bullet", "faster"), text(13, "ordered", "first"), table, { block_type: 27, image: {} }, text(2, "text", "ask ", mention)];
    const made = good(await children.create({ path, params: { user_id_type: "open_id" }, data: { children: all } }));
    assert.deepEqual([made.children.map((one) => one.block_type), made.revision_id], [[3, 12, 13, 31, 27, 2], 2]);
    assert.equal(made.children[5].text.elements[1].mention_user.user_id, stage.person(1));
    const everything = async (page_size) => {
      const found = [];
      for await (const page of await blocks.listWithIterator({ path: { chat_id }, params: { page_size } })) {
        assert.ok(page.items.length <= page_size);
        found.push(...page.items);
      }
      return found;
    };
    const whole = await everything(500);
    const idsOf = (found) => found.map((one) => one.block_id);
    assert.deepEqual([idsOf(await everything(8)), whole.length], [idsOf(whole), 15]);
    const cell = whole.find((one) => one.parent_id === made.children[3].children[0]);
    const requests = [
      { block_id: made.children[0].block_id, update_text_elements: { elements: [{ text_run: { content: "Release 8" } }] } },
      { block_id: cell.block_id, update_text_elements: { elements: [{ text_run: { content: "cell" } }] } },
      { block_id: made.children[3].block_id, insert_table_row: { row_index: -1 } },
    ];
    const changed = good(await blocks.batchUpdate({ path: { chat_id }, data: { requests } }));
    assert.deepEqual([changed.revision_id, changed.blocks[0].heading1.elements[0].text_run.content], [3, "Release 8"]);
    assert.equal(changed.blocks[2].children.length, 6);
    assert.equal(good(await children.batchDelete({ path, data: { start_index: 1, end_index: 6 } })).revision_id, 4);
    assert.deepEqual((await everything(500)).map((one) => one.block_type), [1, 3]);
    // Announcements take few calls a second: the next journey begins with a fresh second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
  });
}

async function oldAnnouncement(stage, name, who) {
  await check(`${name}: read and edit the announcement of the old form`, async () => {
    const api = who.im.v1.chatAnnouncement;
    const path = { chat_id: await stage.group(who) };
    await stage.home.control("PATCH", `/chats/${path.chat_id}`, { announcement_type: "doc" });
    const before = good(await api.get({ path, params: { user_id_type: "open_id" } }));
    assert.deepEqual([before.revision, before.owner_id_type], ["0", who === stage.bot ? "app_id" : "open_id"]);
    const run = { type: "textRun", textRun: { text: "Hello", style: {} } };
    const blocks = [{ type: "paragraph", paragraph: { elements: [run], style: {} } }];
    const location = { zoneId: "0", index: 0, endOfZone: true };
    const insertBlocksRequest = { payload: JSON.stringify({ blocks }), location };
    const requests = [JSON.stringify({ requestType: "InsertBlocksRequestType", insertBlocksRequest })];
    assert.deepEqual(good(await api.patch({ path, data: { revision: "0", requests } })), {});
    const after = good(await api.get({ path }));
    assert.equal(after.revision, "1");
    assert.deepEqual(JSON.parse(after.content).body.blocks, blocks);
  });
}

async function menu(stage) {
  await check("add to the menu, sort it, change an item, delete one", async () => {
    const { chatMenuTree: api, chatMenuItem: items } = stage.bot.im.v1;
    const path = { chat_id: await stage.group(stage.bot) };
    const link = (name) => ({
      chat_menu_item: { action_type: "REDIRECT_LINK", name, redirect_link: { common_url: `https://example.com/${name}` } },
    });
    const parent = { chat_menu_item: { action_type: "NONE", name: "b", i18n_names: { zh_cn: "菜单" } }, children: [link("c")] };
    const tops = (answer) => good(answer).menu_tree.chat_menu_top_levels;
    const names = (answer) => tops(answer).map((one) => one.chat_menu_item.name);
    const data = { menu_tree: { chat_menu_top_levels: [link("a"), parent] } };
    const made = tops(await api.create({ path, data }));
    assert.equal(made[1].children[0].chat_menu_item.redirect_link.common_url, "https://example.com/c");
    assert.equal(made[1].chat_menu_item.i18n_names.zh_cn, "菜单");
    const [a, b] = made.map((one) => one.chat_menu_top_level_id);
    assert.deepEqual(names(await api.sort({ path, data: { chat_menu_top_level_ids: [b, a] } })), ["b", "a"]);
    const change = { update_fields: ["NAME"], chat_menu_item: { action_type: "REDIRECT_LINK", name: "A" } };
    const patched = await items.patch({ path: { ...path, menu_item_id: a }, data: change });
    assert.equal(good(patched).chat_menu_item.name, "A");
    assert.deepEqual(names(await api.get({ path })), ["b", "A"]);
    assert.deepEqual(names(await api.delete({ path, data: { chat_menu_top_level_ids: [b] } })), ["A"]);
    const nowhere = { path: { ...path, menu_item_id: "7000000000000000000" }, data: change };
    await refused(items.patch(nowhere), 232001);
  });
}
