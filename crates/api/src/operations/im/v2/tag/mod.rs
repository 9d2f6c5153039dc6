//! `im/v2/tags`

use larkspur_contract::Basis::{Assumed, Documented, Observed};
use larkspur_contract::Behaviour;
use larkspur_contract::model::TagInfo;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Entry, entry};

mod create;
mod list;
mod patch;

pub(crate) static ENTRIES: &[Entry] =
    &[entry::<create::Create>(), entry::<patch::Patch>(), entry::<list::List>()];

/// The existing tag with the same name.
#[derive(Debug, Serialize, JsonSchema)]
struct FailReason {
    /// Its id.
    duplicate_id: String,
}

const DUPLICATE: Behaviour = Behaviour {
    name: "duplicate_name",
    rule: "A duplicate name is answered with code 0 and only a fail reason, as on the pages; nothing is changed. With the switch it is code 402 with HTTP 200, as seen in two live reports.",
    basis: Documented,
    switch: true,
};
const UNIQUENESS: Behaviour = Behaviour {
    name: "tag_name_uniqueness",
    rule: "Default names are unique in the tenant among tags of one type, across apps, and compared exactly; names by language are not compared.",
    basis: Observed,
    switch: false,
};
pub(super) const OWNER: Behaviour = Behaviour {
    name: "tag_owner",
    rule: "A tag belongs to the tenant, as tag_type says: every app with the scope may read, change and bind it. With the switch, only the app that created it may, as seen in one live report: binding by another app was answered with 0 and had no effect.",
    basis: Observed,
    switch: true,
};
const NAMES: Behaviour = Behaviour {
    name: "tag_name_length",
    rule: "A name has 1 to 255 characters of any kind. A locale is stored as sent and must be unique, ignoring case and the difference between - and _.",
    basis: Assumed,
    switch: false,
};

/// Tags, as answers show them.
#[derive(Debug, Serialize, JsonSchema)]
struct TagInfos {
    /// In the order of the request.
    tag_infos: Vec<TagInfo>,
}
