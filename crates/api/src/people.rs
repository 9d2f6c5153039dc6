//! The ids of people in the body of a request, which the gateway translates before the operation runs.
//!
//! An id that the gateway cannot translate takes precedence over every refusal of the operation, such as an unknown
//! chat, a caller who is not in it, or a missing right. Source: seen live.

use larkspur_contract::model::{MemberIdType, UserIdType};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::Tx;

use crate::Call;
use crate::translate::{self, Named};

/// The ids of people in the body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People<'a> {
    /// The form of the ids.
    pub form: UserIdType,
    /// All ids, in the order of the request, each with the path of its field.
    pub ids: Vec<(&'static str, &'a str)>,
    /// The code for an unknown union_id: it differs between pages.
    pub unknown_union: Code,
    /// Whether the page has its own answer for people of another tenant.
    pub takes_strangers: bool,
}

impl<'a> People<'a> {
    /// The ids of a field, in a form (`open_id` by default); ids of people of another tenant are unknown.
    pub fn new(
        form: Option<UserIdType>,
        field: &'static str,
        ids: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        People {
            form: form.unwrap_or(UserIdType::OpenId),
            ids: ids.into_iter().map(|id| (field, id.as_str())).collect(),
            unknown_union: codes::UNION_ID_UNKNOWN,
            takes_strangers: false,
        }
    }

    /// The same, for a request that also accepts app ids: `None` if the ids are those of apps.
    pub fn among(form: Option<MemberIdType>, field: &'static str, ids: &'a [String]) -> Option<Self> {
        let form = match form.unwrap_or(MemberIdType::OpenId) {
            MemberIdType::AppId => return None,
            MemberIdType::OpenId => UserIdType::OpenId,
            MemberIdType::UnionId => UserIdType::UnionId,
            MemberIdType::UserId => UserIdType::UserId,
        };
        Some(People::new(Some(form), field, ids))
    }

    /// Adds the ids of another field.
    #[must_use]
    pub fn and(mut self, field: &'static str, ids: impl IntoIterator<Item = &'a String>) -> Self {
        self.ids.extend(ids.into_iter().map(|id| (field, id.as_str())));
        self
    }

    /// Leaves ids of people of another tenant to the page, which has its own answer for them.
    #[must_use]
    pub fn with_strangers(self) -> Self {
        People { takes_strangers: true, ..self }
    }

    /// The refusal of an id that the gateway cannot translate; `None` if it can.
    pub fn refusal(&self, (field, id): (&str, &str), named: &Named) -> Option<Fault> {
        match named {
            Named::User(_) | Named::Bot(_) => None,
            Named::OtherTenant if self.takes_strangers => None,
            Named::OtherApp | Named::OtherTenant | Named::Unknown => {
                let usual = translate::refusal(self.form, id, named).about(field);
                Some(if usual.code() == codes::UNION_ID_UNKNOWN {
                    usual.with_code(self.unknown_union)
                } else {
                    usual
                })
            }
        }
    }

    /// The refusal of the first id that the gateway cannot translate.
    pub(crate) async fn unknown(&self, tx: &mut Tx, call: &Call) -> Result<Option<Fault>, Fault> {
        let ids: Vec<&str> = self.ids.iter().map(|(_, id)| *id).collect();
        let found = translate::all_named(tx, call, self.form, &ids).await?;
        Ok(self.ids.iter().copied().zip(&found).find_map(|(id, named)| self.refusal(id, named)))
    }

    /// The same, for a call that the operation refused with this code.
    ///
    /// A successful operation has checked its ids itself. So only a refused call pays for this, and the order in which
    /// rows are locked does not change.
    pub(crate) async fn untranslated(
        &self,
        tx: &mut Tx,
        call: &Call,
        refused: Code,
    ) -> Result<Option<Fault>, Fault> {
        // The gateway's own refusals precede translation.
        let by_gateway = codes::GATEWAY.contains(&refused);
        if by_gateway || translate::form(call, Some(self.form), refused).is_err() {
            return Ok(None);
        }
        self.unknown(tx, call).await
    }
}
