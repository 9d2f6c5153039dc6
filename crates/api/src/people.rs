//! The ids of people in the body of a request, which the gateway translates before an operation looks at anything.
//!
//! An id that the gateway cannot translate is told before everything that the operation finds out: that the chat is not
//! there, that the caller is not in it, that the caller may not do it. Source: seen live.

use larkspur_contract::model::{MemberIdType, UserIdType};
use larkspur_contract::{Code, Fault, codes};
use larkspur_store::Tx;

use crate::Call;
use crate::translate::{self, Named};

/// The ids of people in the body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People<'a> {
    /// The form that they are in.
    pub form: UserIdType,
    /// All of them, in the order of the request, each with the path of its field.
    pub ids: Vec<(&'static str, &'a str)>,
    /// What an unknown union_id is answered with: pages differ in it.
    pub unknown_union: Code,
    /// Whether the page has an answer of its own for people of another tenant.
    pub takes_strangers: bool,
}

impl<'a> People<'a> {
    /// Ids of a field, in a form, `open_id` by default; those of people of another tenant are unknown.
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

    /// The same, of a request that also takes the ids of apps, which are not people's: then there are none.
    pub fn among(form: Option<MemberIdType>, field: &'static str, ids: &'a [String]) -> Option<Self> {
        let form = match form.unwrap_or(MemberIdType::OpenId) {
            MemberIdType::AppId => return None,
            MemberIdType::OpenId => UserIdType::OpenId,
            MemberIdType::UnionId => UserIdType::UnionId,
            MemberIdType::UserId => UserIdType::UserId,
        };
        Some(People::new(Some(form), field, ids))
    }

    /// The same, and the ids of another field.
    #[must_use]
    pub fn and(mut self, field: &'static str, ids: impl IntoIterator<Item = &'a String>) -> Self {
        self.ids.extend(ids.into_iter().map(|id| (field, id.as_str())));
        self
    }

    /// Ids of people of another tenant are left to the page, which has an answer of its own for them.
    #[must_use]
    pub fn with_strangers(self) -> Self {
        People { takes_strangers: true, ..self }
    }

    /// The refusal of an id that the gateway cannot translate; `None` if it translates this one.
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
    /// An operation that succeeds has looked at its ids itself. So only a call that is refused pays for this, and rows
    /// are taken in the same order as ever.
    pub(crate) async fn untranslated(
        &self,
        tx: &mut Tx,
        call: &Call,
        refused: Code,
    ) -> Result<Option<Fault>, Fault> {
        // What the gateway refuses by itself it refuses before it translates anything.
        let by_gateway = codes::GATEWAY.contains(&refused);
        if by_gateway || translate::form(call, Some(self.form), refused).is_err() {
            return Ok(None);
        }
        self.unknown(tx, call).await
    }
}
