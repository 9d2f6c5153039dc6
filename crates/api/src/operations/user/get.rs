use larkspur_contract::model::UserIdType;
use larkspur_contract::scopes::{
    self, CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_EMAIL, CONTACT_EMPLOYEE, CONTACT_EMPLOYEE_ID,
    CONTACT_PHONE, CONTACT_READONLY, CONTACT_USER_BASE,
};
use larkspur_contract::{
    Access, Basis, Behaviour, Bot, Consumes, Effect, Fault, Reply, Spec, Tokens, codes, get, rates,
};
use larkspur_store::users::User;
use larkspur_store::{Tx, apps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RANGE, Status};
use crate::operations::avatar_url;
use crate::translate::{self, Named};
use crate::{Actor, Call, Empty, Input, Operation};

/// `GET /contact/v3/users/:user_id`
pub(super) struct Get;

/// Which user.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// The user, in the form that `user_id_type` says.
    user_id: String,
}

/// Forms of ids.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// Form of the id in the path; `open_id` by default.
    user_id_type: Option<UserIdType>,
    /// Form of the ids of departments, of which there are none.
    department_id_type: Option<DepartmentIdType>,
}

/// Form of a department's id.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DepartmentIdType {
    DepartmentId,
    OpenDepartmentId,
}

/// The user.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// As far as the caller may know.
    user: Shown,
}

/// A user, as far as the caller may know.
#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    /// `on_…`
    union_id: String,
    /// The tenant's own id; needs `contact:user.employee_id:readonly`, and is not for ISV apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// `ou_…`
    open_id: String,
    /// Name; needs `contact:user.base:readonly` or one of the older scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Mail address; needs `contact:user.email:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Telephone number; needs `contact:user.phone:readonly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    /// Whether colleagues see the number; as `mobile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_visible: Option<bool>,
    /// Pictures; as `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<Avatar>,
    /// State of the account; needs `contact:user.employee:readonly` or one of the older scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// Addresses of a picture in several sizes.
#[derive(Debug, Serialize, JsonSchema)]
struct Avatar {
    avatar_72: String,
    avatar_240: String,
    avatar_640: String,
    avatar_origin: String,
}

impl Operation for Get {
    const SPEC: &'static Spec = &Spec {
        id: "contact.v3.user.get",
        summary: "Get a user",
        reference: "contact-v3/user/get",
        route: get("/open-apis/contact/v3/users/{user_id}"),
        access: Access::Token {
            tokens: Tokens::TenantOrUser,
            scopes: &[scopes::CONTACT_BASE, CONTACT_ACCESS_AS_APP, CONTACT_READONLY, CONTACT_AS_APP],
            bot: Bot::NotRequired,
        },
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::CONTACT_PARAM_INVALID,
        codes: &[
            codes::CONTACT_PARAM_INVALID,
            codes::CONTACT_INTERNAL,
            codes::CONTACT_USER_ID_INVALID,
            codes::CONTACT_NO_USER_AUTHORITY,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
            codes::UNION_ID_UNKNOWN,
        ],
        example: "user_id_type=open_id",
        behaviours: &[RANGE, BOTS],
        deviations: &[
            "Users have a name, addresses and a state, and nothing else: no department, leader, post or employee number.",
        ],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (id, query) = (&input.path.user_id, &input.query);
        let form = translate::form(call, query.user_id_type, codes::CONTACT_PARAM_INVALID)?;
        let user = match translate::named(tx, call, form, id).await? {
            Named::User(user) => user,
            Named::Bot(_) => return Err(Fault::new(codes::CONTACT_USER_ID_INVALID, "the id is a bot's")),
            other => return Err(translate::refusal(form, id, &other).about("user_id")),
        };
        let in_range = match call.actor {
            Actor::User { .. } => true,
            Actor::Bot => apps::is_visible_to(tx, &call.app, &user.user_id).await?,
        };
        if !in_range {
            return Err(Fault::new(codes::CONTACT_NO_USER_AUTHORITY, "the user does not see the app"));
        }
        Ok(Output { user: shown(tx, call, &user) })
    }
}

fn shown(tx: &Tx, call: &Call, user: &User) -> Shown {
    let keys = &tx.engine().keys;
    let as_before = [CONTACT_READONLY, CONTACT_AS_APP, CONTACT_ACCESS_AS_APP];
    let has = |scope| call.has_scope(scope) || as_before.iter().any(|scope| call.has_scope(scope));
    let (base, employee, phone) =
        (has(CONTACT_USER_BASE), has(CONTACT_EMPLOYEE), call.has_scope(CONTACT_PHONE));
    let user_id = translate::form(call, Some(UserIdType::UserId), codes::CONTACT_PARAM_INVALID);
    let picture = avatar_url("");
    Shown {
        union_id: translate::user_id(keys, call, user, UserIdType::UnionId),
        user_id: user_id.ok().filter(|_| call.has_scope(CONTACT_EMPLOYEE_ID)).map(|_| user.user_id.clone()),
        open_id: translate::user_id(keys, call, user, UserIdType::OpenId),
        name: base.then(|| user.name.clone()),
        email: user.email.clone().filter(|_| call.has_scope(CONTACT_EMAIL)),
        mobile: user.mobile.clone().filter(|_| phone),
        mobile_visible: phone.then_some(true),
        avatar: base.then(|| Avatar {
            avatar_72: picture.clone(),
            avatar_240: picture.clone(),
            avatar_640: picture.clone(),
            avatar_origin: picture,
        }),
        status: employee.then(|| Status::of(user)),
    }
}

const BOTS: Behaviour = Behaviour {
    name: "contact_of_bots",
    rule: "The open_id of a bot is 41012; an id that names nobody is the gateway's 99992351, 99992360, 99992361 or 99992363.",
    basis: Basis::Assumed,
    switch: false,
};
