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

/// The tag that has the name already.
#[derive(Debug, Serialize, JsonSchema)]
struct FailReason {
    /// Its id.
    duplicate_id: String,
}

const DUPLICATE: Behaviour = Behaviour {
    name: "duplicate_name",
    rule: "A name that is taken is answered with code 0 and a fail reason alone, as the pages print it; nothing is changed. The switch gives code 402 with HTTP 200, as seen in two live reports.",
    basis: Documented,
    switch: true,
};
const UNIQUENESS: Behaviour = Behaviour {
    name: "tag_name_uniqueness",
    rule: "Default names are unique in the tenant among tags of one type, across apps, compared exactly; names by language take no part.",
    basis: Observed,
    switch: false,
};
pub(super) const OWNER: Behaviour = Behaviour {
    name: "tag_owner",
    rule: "A tag is the tenant's, as tag_type says: every app with the scope may read, change and bind it. With the switch, only the app that made it, as one live report saw: another app's binding was answered 0 and had no effect.",
    basis: Observed,
    switch: true,
};
const NAMES: Behaviour = Behaviour {
    name: "tag_name_length",
    rule: "A name has 1 to 255 characters of any kind; a locale is kept as sent and may stand once, whatever its case and whether with - or _.",
    basis: Assumed,
    switch: false,
};

/// Tags as answers show them.
#[derive(Debug, Serialize, JsonSchema)]
struct TagInfos {
    /// In the order of the request.
    tag_infos: Vec<TagInfo>,
}
