use larkspur_contract::model::{UserIdType, UserStatus};
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::users::{self, Contact, User};
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RANGE, Status};
use crate::{Call, Input, Operation, translate};

/// `POST /contact/v3/users/batch_get_id`
pub(super) struct BatchGetId;

/// Form of the ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Form of the ids of the answer; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// Whom to look for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Mail addresses.
    #[schemars(length(max = 50))]
    emails: Option<Vec<String>>,
    /// Telephone numbers; outside mainland China with `+` and the country.
    #[schemars(length(max = 50))]
    mobiles: Option<Vec<String>>,
    /// Whether those who left the tenant are found too; no by default.
    include_resigned: Option<bool>,
}

/// Who was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// One for each address, in the order of the request: the mail addresses first.
    user_list: Vec<Found>,
}

/// An address and, if it is somebody's, whose.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Found {
    /// The user; absent if nobody was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The address that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The number that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// State of the account; needs `contact:user.employee:readonly`, and is absent if no user was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl Operation for BatchGetId {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.batch_get_id",
        summary: "Find users by mail address or telephone number",
        reference: "contact-v3/user/batch_get_id",
        route: post("/open-apis/contact/v3/users/batch_get_id"),
        access: Access::tenant(&[scopes::CONTACT_USER_ID]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[codes::FIELD_VALIDATION],
        recodes: &[],
        emits: &[],
        example: r#"{"emails":["dora@example.com"]}"#,
        behaviours: &[RANGE, ADDRESSES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = crate::Empty;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let body = &input.body;
        let form = translate::form(call, input.query.user_id_type, codes::FIELD_VALIDATION)?;
        let resigned = body.include_resigned.unwrap_or(false);
        let mut user_list = Vec::new();
        for (contact, asked) in [(Contact::Email, &body.emails), (Contact::Mobile, &body.mobiles)] {
            let asked = asked.as_deref().unwrap_or_default();
            let wanted: Vec<String> = asked.iter().map(|one| plain(contact, one).to_owned()).collect();
            let mut people = users::by_contact(tx, contact, &spellings(contact, &wanted)).await?;
            people.retain(|user| resigned || user.status != UserStatus::Resigned);
            // Of several with one address, those who are here come first, then the smallest id.
            people.sort_by(|a, b| {
                let key = |user: &User| (user.status == UserStatus::Resigned, user.user_id.clone());
                key(a).cmp(&key(b))
            });
            let ids = people.iter().map(|user| user.user_id.as_str());
            let audience = apps::audience(tx, &call.app, ids).await?;
            for (sent, wanted) in asked.iter().zip(&wanted) {
                let user = people.iter().find(|user| {
                    let address = match contact {
                        Contact::Email => &user.email,
                        Contact::Mobile => &user.mobile,
                    };
                    address.as_deref().is_some_and(|address| plain(contact, address) == wanted)
                });
                let user = user.filter(|user| audience.has(&user.user_id));
                let keys = &tx.engine().keys;
                user_list.push(Found {
                    user_id: user.map(|user| translate::user_id(keys, call, user, form)),
                    email: (contact == Contact::Email).then(|| sent.clone()),
                    mobile: (contact == Contact::Mobile).then(|| sent.clone()),
                    status: user.filter(|_| call.has_scope(scopes::CONTACT_EMPLOYEE)).map(Status::of),
                });
            }
        }
        Ok(Output { user_list })
    }
}

/// An address without what does not distinguish it: the country of a number in mainland China.
fn plain(contact: Contact, address: &str) -> &str {
    match contact {
        Contact::Email => address,
        Contact::Mobile => address.strip_prefix("+86").unwrap_or(address),
    }
}

/// Every way in which the store may have these addresses.
fn spellings(contact: Contact, plain: &[String]) -> Vec<String> {
    let mut all = plain.to_vec();
    if contact == Contact::Mobile {
        all.extend(plain.iter().map(|number| format!("+86{number}")));
    }
    all
}

const ADDRESSES: Behaviour = Behaviour {
    name: "contact_addresses",
    rule: "A mail address is compared as it is. A number is the same with and without +86. An address that is asked for twice is answered twice; one that several users have is answered with one of them.",
    basis: Basis::Assumed,
    switch: false,
};
