//! `im/v1/chats/:chat_id/announcement`: the old form of announcements

use larkspur_contract::Basis::{Assumed, Observed};
use larkspur_contract::Behaviour;

use crate::{Entry, entry};

mod get;
mod patch;

pub(crate) static ENTRIES: &[Entry] = &[entry::<get::Get>(), entry::<patch::Patch>()];

const ORDER: Behaviour = Behaviour {
    name: "announcement_check_order",
    rule: "Checked in this order: fields and types, chat (232001 if there is none: the pages lack 232006), bot and app, tenant, external, dissolved, member, form of the announcement (232003, 232097), edit_permission, right to the document (232066), revision, requests.",
    basis: Assumed,
    switch: false,
};
const EXISTS: Behaviour = Behaviour {
    name: "announcement_exists",
    rule: "Groups and topic groups have an empty announcement of the old form, revision 0, from the beginning; p2p chats have none (232003). Its owner is the chat's. The control API makes it a docx one (232097), takes it away (232003) or locks its document to owner and managers (232066).",
    basis: Assumed,
    switch: false,
};
const CONTENT: Behaviour = Behaviour {
    name: "announcement_content",
    rule: "The content is the JSON of {title, body: {blocks}}. InsertBlocksRequestType puts its blocks at the beginning of the body (startOfZone, or index 0 without endOfZone) or at its end (anything else); UpdateTitleRequestType replaces the title. Blocks are kept as they were sent, without locations.",
    basis: Assumed,
    switch: false,
};
const REFUSED: Behaviour = Behaviour {
    name: "announcement_requests",
    rule: "Other request types of old documents, and requests that cannot be applied, are 232018, and then none of the call's requests is.",
    basis: Observed,
    switch: false,
};
