//! `im/v1/messages`

use larkspur_contract::{Scope, scopes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::Shown;
use crate::{Entry, entry};

mod batch_query_read_status;
mod create;
mod delete;
mod forward;
mod get;
mod list;
mod merge_forward;
mod mget;
mod patch;
mod push_follow_up;
mod read_status;
mod read_users;
mod reading;
mod reply;
mod search;
mod update;
mod urgent_app;
mod urgent_phone;
mod urgent_sms;

pub(crate) use forward::{ForwardBody, ForwardQuery};

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<reply::Reply>(),
    entry::<update::Update>(),
    entry::<patch::Patch>(),
    entry::<delete::Delete>(),
    entry::<get::Get>(),
    entry::<mget::Mget>(),
    entry::<list::List>(),
    entry::<forward::Forward>(),
    entry::<merge_forward::MergeForward>(),
    entry::<search::Search>(),
    entry::<push_follow_up::PushFollowUp>(),
    entry::<urgent_app::UrgentApp>(),
    entry::<urgent_sms::UrgentSms>(),
    entry::<urgent_phone::UrgentPhone>(),
    entry::<read_users::ReadUsers>(),
    entry::<batch_query_read_status::BatchQueryReadStatus>(),
    entry::<read_status::ReadStatus>(),
];

/// The message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MessagePath {
    /// The message's id.
    pub(crate) message_id: String,
}

/// Messages.
#[derive(Debug, Serialize, JsonSchema)]
struct Items {
    /// The messages.
    items: Vec<Shown>,
}

/// Scopes that let an app send messages.
pub(crate) const SEND: &[Scope] =
    &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_SEND_AS_BOT, scopes::IM_MESSAGE_SEND];
/// Scopes that let an app forward messages.
pub(crate) const FORWARD: &[Scope] = &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_SEND_AS_BOT];
/// Scopes that let an app change messages.
const EDIT: &[Scope] = &[scopes::IM_MESSAGE, scopes::IM_MESSAGE_SEND_AS_BOT, scopes::IM_MESSAGE_UPDATE];
