//! Decisions about announcements of the docx form, and known differences from the documents.

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::Behaviour;

pub(super) const MEDIA: &str =
    "replace_image and replace_file also take the key of an image that was uploaded with im.v1.image.create.";

pub(super) const ORDER: Behaviour = Behaviour {
    name: "docx_check_order",
    rule: "Order of checks: fields and types, chat (1770002), bot and app (1772025, 1772034), tenant (1772002), external (1772004), dissolved (1770002), existence of the announcement (1772001), member (1772003), its form (1772006), edit_permission (1772005), access to the document (1770032), client_token, three edits a second, revision, block, contents.",
    basis: Assumed,
    switch: false,
};
pub(super) const EXISTS: Behaviour = Behaviour {
    name: "docx_exists",
    rule: "Groups start with an announcement of the docx form, revision 1 and an empty page; p2p chats have none (1772001). The control API makes new groups of a world start with the old form, changes the form of one, removes it (1772001), or restricts it to owner and managers (1770032).",
    basis: Documented,
    switch: false,
};
pub(super) const PEOPLE: Behaviour = Behaviour {
    name: "docx_people",
    rule: "The owner is the chat's, otherwise the bot that made it; before the first edit the modifier is the owner. A bot is shown by its open_id. Users are mentioned by ids of the form that user_id_type names; one who is unknown, not in service or does not see the app is 1770032, also in reminders. A user who was deleted is shown with an empty user_id where that form is asked for.",
    basis: Assumed,
    switch: false,
};
pub(super) const REVISIONS: Behaviour = Behaviour {
    name: "docx_revisions",
    rule: "Each edit that succeeds makes one revision, even if nothing changes. An edit may name a revision that is up to 1000 behind, and applies to the latest one; an older one is 1770021, one that does not exist 1770001. The 1000 revisions before the latest one can be read by those who may edit (1770032 for others); older ones are 1770001. A page_token belongs to the revision of its first page.",
    basis: Assumed,
    switch: false,
};
pub(super) const TOKENS: Behaviour = Behaviour {
    name: "docx_client_token",
    rule: "A client_token belongs to app, operator, chat and operation, and is known for a day: the same token again is answered with the first answer, whatever the request, and is no edit.",
    basis: Assumed,
    switch: false,
};
pub(super) const EDITS: Behaviour = Behaviour {
    name: "docx_edits_per_second",
    rule: "More than three successful edits of one announcement in any second, by any caller on any server, are HTTP 429 with 99991400. The real time counts, not the world's. Without rate limits there is no such limit.",
    basis: Documented,
    switch: false,
};
pub(super) const BLOCKS: Behaviour = Behaviour {
    name: "docx_blocks",
    rule: "Server-made contents: an empty paragraph in each new cell, grid column, callout and quote_container; opaque tokens for sheets, bitables and boards. A new table has at most 9 rows and columns (1770001), later at most 100 columns (1770010) and 2000 cells (1770011). A grid of more than 10 columns is 1770012, of fewer than 2 1770024. An unknown block_type, a missing content and an element that is not exactly one thing are 1770001. Limits without published numbers: 20000 blocks (1770004), 50 levels (1770005), 5000 children (1770007), 4000 cells of the tables that one call edits (1770034), 40 MiB of contents as they are stored (1770033); 1000 elements of a text, 10000 characters of a URL and 100000 of the record of an add-on (99992402).",
    basis: Assumed,
    switch: false,
};
pub(super) const KINDS: Behaviour = Behaviour {
    name: "docx_block_kinds",
    rule: "Contents of other services (sheet, bitable, board, iframe, isv, add_ons, wiki_catalog, okr, link_preview) are kept as sent, without those services. An OKR with a tenant token is 1770029. A chat_card of an unknown chat and a mention of an unknown document are 1770038; of a chat that the operator is not in, and of a document that it may not read, 1770032.",
    basis: Assumed,
    switch: false,
};
pub(super) const CHILDREN: Behaviour = Behaviour {
    name: "docx_children",
    rule: "What may be in a cell, a grid column and a callout is checked on creation: 1770030. Not all children of one of them can be deleted, nor any of a table, a grid or the frame of a file: 1770031.",
    basis: Observed,
    switch: false,
};
pub(super) const UPDATES: Behaviour = Behaviour {
    name: "docx_updates",
    rule: "A request has one block and one kind of edit, and no block is named twice (1770001). In a style, a named field that is absent returns to its default. A new line through a merged area makes it larger, a deleted one smaller. New grid columns share the width equally. An edit of a task is 1770025, since no task can be made.",
    basis: Assumed,
    switch: false,
};
