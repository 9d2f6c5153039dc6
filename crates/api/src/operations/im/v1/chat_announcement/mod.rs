//! `im/v1/chats/:chat_id/announcement`: announcements of the old format

use larkspur_contract::Basis::{Assumed, Observed};
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
    rule: "Groups and topic groups start with an empty announcement of the old format, revision 0, whose owner is the chat's owner; p2p chats have none (232003). The control API can change its format to docx (232097), remove it (232003), or restrict its document to owner and managers (232066).",
    basis: Assumed,
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
