//! `cardkit/v1/cards/:card_id/elements`

use larkspur_contract::Basis::Assumed;
use larkspur_contract::{Behaviour, Fault, codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::card::entity;
use crate::{Entry, entry};

mod content;
mod create;
mod delete;
mod patch;
mod update;

pub(crate) static ENTRIES: &[Entry] = &[
    entry::<create::Create>(),
    entry::<update::Update>(),
    entry::<patch::Patch>(),
    entry::<delete::Delete>(),
    entry::<content::Content>(),
];

/// An element of an entity.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct ElementPath {
    /// The entity's id.
    #[schemars(length(min = 1, max = 20))]
    card_id: String,
    /// The element's id.
    #[schemars(length(min = 1, max = 20))]
    element_id: String,
}

impl ElementPath {
    /// The element's id, if it has its form.
    fn element_id(&self) -> Result<&str, Fault> {
        if entity::is_element_id(&self.element_id) {
            return Ok(&self.element_id);
        }
        Err(Fault::new(codes::CARD_PARAM_INVALID, "an element_id is a letter, then letters, digits and _"))
    }
}

/// What changes of elements do.
pub(super) const ELEMENTS: Behaviour = Behaviour {
    name: "card_element_changes",
    rule: "Elements are found by element_id at any depth. New ones are put beside another one of a list, at the end of a container (column, form, interactive_container, collapsible_panel), or at the end of the card. A replaced element keeps its id unless the new one has another. Partial changes replace whole properties.",
    basis: Assumed,
    switch: false,
};
