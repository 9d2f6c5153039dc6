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

/// The form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of ids in the answer; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// The users to find.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Email addresses.
    #[schemars(length(max = 50))]
    emails: Option<Vec<String>>,
    /// Phone numbers; outside mainland China with `+` and the country code.
    #[schemars(length(max = 50))]
    mobiles: Option<Vec<String>>,
    /// Whether resigned users are found, too; false by default.
    include_resigned: Option<bool>,
}

/// The result.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// One entry per address or number, in the order of the request: email addresses first.
    user_list: Vec<Found>,
}

/// An address or number, and its user, if there is one.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Found {
    /// The user; absent if none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The requested address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The requested number.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// State of the account; needs `contact:user.employee:readonly`, and is absent if no user was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

impl Operation for BatchGetId {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.batch_get_id",
        summary: "Find users by email address or phone number",
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
            // Of several users with one address, active ones take precedence, then the smallest id.
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

/// An address or number without an optional country code of mainland China.
fn plain(contact: Contact, address: &str) -> &str {
    match contact {
        Contact::Email => address,
        Contact::Mobile => address.strip_prefix("+86").unwrap_or(address),
    }
}

/// All spellings in which the store may have these addresses or numbers.
fn spellings(contact: Contact, plain: &[String]) -> Vec<String> {
    let mut all = plain.to_vec();
    if contact == Contact::Mobile {
        all.extend(plain.iter().map(|number| format!("+86{number}")));
    }
    all
}

const ADDRESSES: Behaviour = Behaviour {
    name: "contact_addresses",
    rule: "Email addresses are compared exactly. A number is the same with and without +86. A repeated address is answered twice; if several users have an address, one of them is answered.",
    basis: Basis::Assumed,
    switch: false,
};
