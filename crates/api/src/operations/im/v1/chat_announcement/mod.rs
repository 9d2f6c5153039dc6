//! `im/v1/chats/:chat_id/announcement`: announcements of the old format

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::Behaviour;

use crate::{Entry, entry};

mod get;
mod patch;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>(), entry::<patch::Patch>()];

const ORDER: Behaviour = Behaviour {
    name: "announcement_check_order",
    rule: "Order of checks: fields and types, chat (232001 if unknown, since the pages lack 232006), bot and app, tenant, external, dissolved, member, format of the announcement (232003, 232097), edit_permission, access to the document (232066), revision, requests.",
    basis: Assumed,
    switch: false,
};
const EXISTS: Behaviour = Behaviour {
    name: "announcement_exists",
    rule: "Groups and topic groups start with an announcement of the docx format (232097), as on the platform since May 2025; p2p chats have none (232003). The control API makes the new groups of a world start with one of the old format, which is empty, has revision 0 and belongs to the chat's owner; and it can change the format of one, remove it (232003), or restrict its document to owner and managers (232066).",
    basis: Documented,
    switch: false,
};
const CONTENT: Behaviour = Behaviour {
    name: "announcement_content",
    rule: "The content is the JSON of {title, body: {blocks}}. InsertBlocksRequestType inserts its blocks at the start of the body (startOfZone, or index 0 without endOfZone), otherwise at its end; UpdateTitleRequestType replaces the title. Blocks are stored as sent, without locations.",
    basis: Assumed,
    switch: false,
};
const REFUSED: Behaviour = Behaviour {
    name: "announcement_requests",
    rule: "Other request types of old documents, and requests that cannot be applied, are 232018; then no request of the call is applied.",
    basis: Observed,
    switch: false,
};
