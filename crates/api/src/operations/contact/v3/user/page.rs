//! Pages of the users in a caller's range.

use larkspur_contract::ids::AppId;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{Fault, codes};
use larkspur_store::users::User;
use larkspur_store::{Tx, directory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::UserInfo;
use super::{DepartmentIdType, ROOT, shown};
use crate::{Actor, Call, paging, translate};

/// The department, and the page of its users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Forms {
    /// The form of ids in the answer; `open_id` by default.
    pub(super) user_id_type: Option<UserIdType>,
    /// The form of department ids.
    pub(super) department_id_type: Option<DepartmentIdType>,
    /// Empty for the first page.
    pub(super) page_token: Option<String>,
}

/// A page of users.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    /// Whether there is a next page.
    has_more: bool,
    /// The users, with the fields that the caller may see.
    items: Vec<UserInfo>,
    /// Token of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

/// The range of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// All users of the tenant.
    Tenant,
    /// The users that this app was granted individually.
    Granted(AppId),
}

impl Range {
    pub(crate) fn of(call: &Call) -> Self {
        match call.actor {
            Actor::Bot if !call.app.visible_to_all => Range::Granted(call.app_id()),
            Actor::Bot | Actor::User { .. } => Range::Tenant,
        }
    }
}

/// The range, if a department may be read: it must be the root, and the range the whole tenant.
///
/// # Errors
/// 40004.
pub(super) fn department(call: &Call, id: &str) -> Result<Range, Fault> {
    let refused = |why: &str| {
        let fault = Fault::new(codes::CONTACT_NO_DEPARTMENT_AUTHORITY, format!("department {id}: {why}"));
        Err(fault.with_violation("department_id", Some(id), why))
    };
    match Range::of(call) {
        _ if id != ROOT => refused("unknown department: the only one is the root, 0"),
        Range::Granted(_) => refused("the contact range of the app is not the whole tenant"),
        Range::Tenant => Ok(Range::Tenant),
    }
}

/// Up to `size` users of a range after the position of a page token, and the token of the next page. `list` identifies
/// the list and everything that it depends on.
///
/// # Errors
/// 40012 for a token that was not issued for this list.
pub(crate) async fn members(
    tx: &mut Tx,
    call: &Call,
    range: Range,
    list: &str,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<User>, Option<String>), Fault> {
    let operator = call.operator().to_column();
    let list = format!("{list} {} {} {operator} {range:?}", call.tenant, call.app_id());
    let place = paging::read_or(&tx.engine().keys, &list, token, codes::CONTACT_PAGE_TOKEN_INVALID)?;
    let place = place.unwrap_or_default();
    let mut people = match range {
        Range::Tenant => directory::here(tx, place.parse().unwrap_or(0), size + 1).await?,
        Range::Granted(app) => directory::granted(tx, app, &place, size + 1).await?,
    };
    let more = people.len() > size;
    people.truncate(size);
    let next = people.last().filter(|_| more).map(|user| match range {
        Range::Tenant => user.user_no.to_string(),
        Range::Granted(_) => user.user_id.clone(),
    });
    let next = next.map(|place| paging::write(&tx.engine().keys, &list, &place));
    Ok((people, next))
}

/// A page of a range, as the list operations answer it. `size` is 10 unless the request sets it.
pub(super) async fn answer(
    tx: &mut Tx,
    call: &Call,
    range: Range,
    list: &str,
    forms: &Forms,
    size: Option<i64>,
) -> Result<Page, Fault> {
    let form = translate::form(call, forms.user_id_type, codes::FIELD_VALIDATION)?;
    let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(10);
    let token = forms.page_token.as_deref();
    let (people, page_token) = members(tx, call, range, list, token, size).await?;
    let items = shown::show(tx, call, &people, form, false).await?;
    Ok(Page { has_more: page_token.is_some(), items, page_token })
}

/// An empty page.
pub(super) fn empty() -> Page {
    Page { has_more: false, items: Vec::new(), page_token: None }
}
