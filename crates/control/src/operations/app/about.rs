//! An app's description of itself, and the scopes that it requests.

use larkspur_contract::Fault;
use larkspur_store::apps::Install;
use larkspur_store::{Tx, publishing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{support, values};

/// An app's description of itself, and the scopes that it requests. Absent fields are unchanged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct About {
    /// Description, as `application/v6/applications` answers it. Only in the world that created the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The user_id of its owner and creator; empty for none. Only in the world that created the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Scopes that it requests: `application/v6/scopes` lists those that it does not hold as not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(transform = values::scope_list)]
    requested_scopes: Option<Vec<String>>,
}

impl About {
    /// The present values; empty ones are absent.
    pub(super) async fn present(tx: &mut Tx, install: &Install) -> Result<Self, Fault> {
        let wishes = publishing::wishes(tx, install.app_id).await?;
        let requested_scopes: Vec<String> = wishes.requested.iter().map(str::to_owned).collect();
        let requested_scopes = Some(requested_scopes).filter(|scopes| !scopes.is_empty());
        if install.developer != tx.tenant() {
            return Ok(About { requested_scopes, ..About::default() });
        }
        let publishing::About { description, owner } = publishing::about(tx, install.app_id).await?;
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(About { description: filled(description), owner: filled(owner), requested_scopes })
    }

    /// Writes the fields that are present.
    pub(super) async fn write(&self, tx: &mut Tx, install: &Install) -> Result<(), Fault> {
        if let Some(scopes) = &self.requested_scopes {
            let scopes = values::scopes(scopes);
            publishing::request(tx, install.app_id, &scopes).await?;
        }
        let field = match (&self.description, &self.owner) {
            (None, None) => return Ok(()),
            (Some(_), _) => "description",
            (None, Some(_)) => "owner",
        };
        if install.developer != tx.tenant() {
            return Err(values::invalid(field, None, "only the world that created the app can set it"));
        }
        let old = publishing::about(tx, install.app_id).await?;
        let owner = self.owner.clone().unwrap_or(old.owner);
        if !owner.is_empty() {
            support::known_users(tx, "owner", std::slice::from_ref(&owner)).await?;
        }
        let description = self.description.clone().unwrap_or(old.description);
        Ok(publishing::set_about(tx, install.app_id, &publishing::About { description, owner }).await?)
    }
}
