//! `cardkit/v1/cards`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::Behaviour;

use crate::{Entry, entry};

mod batch_update;
mod create;
mod id_convert;
mod settings;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<update::Update>(),
    entry::<settings::Settings>(),
    entry::<batch_update::BatchUpdate>(),
    entry::<id_convert::IdConvert>(),
];

/// What is refused with which code.
pub(super) const JUDGED: Behaviour = Behaviour {
    name: "card_entity_content",
    rule: "JSON that cannot be read, or is no card, is 200220; empty JSON is 300307. A card needs schema 2.0 (300303); config.update_multi may be left out or true (300302); element_id is a letter, then letters, digits and _, at most 20 (10002), and unique in the card (300301).",
    basis: Assumed,
    switch: false,
};
