use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::{Tx, directory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::once;
use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation};

/// `POST /contact/v3/users/basic_batch`
pub(super) struct BasicBatch;

/// The form of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The form of ids in request and answer; `open_id` by default.
    user_id_type: Option<UserIdType>,
}

/// The users.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The users.
    #[schemars(length(min = 1, max = 10))]
    user_ids: Vec<String>,
}

/// The users.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// In the order of the request.
    users: Vec<Basic>,
}

/// The name of a user.
#[derive(Debug, Serialize, JsonSchema)]
struct Basic {
    /// The user, in the requested form.
    user_id: String,
    /// Name.
    name: String,
    /// Name by language.
    i18n_name: I18nName,
}

/// A name in three languages; empty if there is none.
#[derive(Debug, Serialize, JsonSchema)]
struct I18nName {
    /// Chinese.
    zh_cn: String,
    /// Japanese.
    ja_jp: String,
    /// English.
    en_us: String,
}

impl Operation for BasicBatch {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.basic_batch",
        summary: "Get the names of up to 10 users",
        reference: "contact-v3/user/basic_batch",
        route: post("/open-apis/contact/v3/users/basic_batch"),
        access: Access::tenant_or_user(&[scopes::CONTACT_BASIC_PROFILE]),
        rate: rates::TIER_6,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::CONTACT_BODY_INVALID,
        codes: &[
            codes::CONTACT_BODY_INVALID,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
        ],
        recodes: &[],
        emits: &[],
        example: r#"{"user_ids":["{open_id}"]}"#,
        behaviours: &[NAMES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let form = translate::form(call, input.query.user_id_type, codes::CONTACT_BODY_INVALID)?;
        let ids = once(&input.body.user_ids);
        let named = translate::all_named(tx, call, form, &ids).await?;
        if let Some(refusal) = translate::refusal_of_any(form, &ids, &named) {
            return Err(refusal.about("user_ids[*]"));
        }
        let people: Vec<_> = named
            .into_iter()
            .filter_map(|named| match named {
                Named::User(user) => Some(user),
                _ => None,
            })
            .collect();
        let profiles = directory::profiles(tx, people.iter().map(|user| user.user_id.as_str())).await?;
        let keys = &tx.engine().keys;
        let basic = |user: larkspur_store::users::User| Basic {
            user_id: translate::user_id(keys, call, &user, form),
            i18n_name: I18nName {
                zh_cn: String::new(),
                ja_jp: String::new(),
                en_us: profiles
                    .get(&user.user_id)
                    .and_then(|known| known.en_name.clone())
                    .unwrap_or_default(),
            },
            name: user.name,
        };
        Ok(Output { users: people.into_iter().map(basic).collect() })
    }
}

const NAMES: Behaviour = Behaviour {
    name: "contact_basic_names",
    rule: "The contact range does not apply. i18n_name.en_us is en_name; the other languages are empty. Bots are omitted, and a repeated id is answered once. An id that is no user or bot of the tenant refuses the whole call with the gateway's 99992351, 99992360, 99992361 or 99992363.",
    basis: Basis::Assumed,
    switch: false,
};
