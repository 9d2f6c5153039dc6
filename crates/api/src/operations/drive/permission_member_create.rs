use larkspur_contract::Basis::Assumed;
use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{DocPermission, DocType, UserIdType};
use larkspur_contract::{
    Access, Behaviour, Bot, Consumes, Effect, Fault, Reply, Spec, Tokens, codes, post, rates, scopes,
};
use larkspur_store::documents::{self, Collaborator};
use larkspur_store::{Tx, chats};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MemberType, PermType};
use crate::translate::{self, Named};
use crate::{Call, Input, Operation};

/// `POST /drive/v1/permissions/:token/members`
pub(super) struct Create;

/// Which document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Path {
    /// Its token.
    token: String,
}

/// Of which kind.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// Whether to tell the new collaborator; nobody is told here.
    need_notification: Option<bool>,
}

/// The new collaborator, which is also the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Member {
    /// Kind of id.
    member_type: MemberType,
    /// The id.
    #[schemars(length(min = 1))]
    member_id: String,
    /// What it may do.
    perm: DocPermission,
    /// Whether a wiki node's subtree is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_type: Option<PermType>,
    /// Kind of collaborator; echoed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// The collaborator.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// As it was sent.
    member: Member,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.create",
        summary: "Add a collaborator to a document",
        reference: "drive-v1/permission-member/create",
        route: post("/open-apis/drive/v1/permissions/{token}/members"),
        access: Access::Token {
            tokens: Tokens::TenantOrUser,
            scopes: &[
                scopes::BITABLE_APP,
                scopes::BITABLE_BITABLE,
                scopes::DOCS_DOC,
                scopes::DOCS_MEMBER_CREATE,
                scopes::DRIVE_DRIVE,
                scopes::DRIVE_FILE,
                scopes::SHEETS_SPREADSHEET,
                scopes::WIKI_WIKI,
            ],
            bot: Bot::NotRequired,
        },
        rate: rates::TIER_3,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("Success"),
        invalid: codes::DRIVE_PARAM_INVALID,
        codes: &[
            codes::DRIVE_PARAM_INVALID,
            codes::DRIVE_PERMISSION_DENIED,
            codes::DRIVE_INVALID_OPERATION,
            codes::DRIVE_NO_SHARE_PERMISSION,
            codes::DRIVE_RESOURCE_DELETED,
            codes::DRIVE_TOO_MANY,
            codes::DRIVE_INTERNAL,
            codes::DRIVE_CONCURRENCY,
        ],
        example: r#"{"member_type":"openchat","member_id":"{chat_id}","perm":"view"}"#,
        behaviours: &[RIGHTS],
        deviations: &[
            "Departments, groups and wiki spaces are kept as collaborators and give nobody a right.",
        ],
    };
    type Ground = Tx;
    type Path = Path;
    type Query = Query;
    type Body = Member;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let token = &input.path.token;
        let document = documents::get(tx, token).await?;
        let document =
            document.filter(|found| !found.deleted && found.doc_type == input.query.doc_type).ok_or_else(
                || Fault::new(codes::DRIVE_RESOURCE_DELETED, "there is no such document of this type"),
            )?;
        let operator = call.operator().to_column();
        if document.owner != operator {
            match documents::permission_of(tx, token, &operator).await? {
                Some(DocPermission::FullAccess) => {}
                Some(_) => {
                    return Err(Fault::new(codes::DRIVE_NO_SHARE_PERMISSION, "sharing needs full_access"));
                }
                None => {
                    return Err(Fault::new(
                        codes::DRIVE_PERMISSION_DENIED,
                        "the operator is no collaborator",
                    ));
                }
            }
        }
        let member = &input.body;
        let resolved = resolve(tx, call, member).await?;
        if resolved == document.owner {
            return Err(Fault::new(
                codes::DRIVE_INVALID_OPERATION,
                "the owner cannot be made a collaborator",
            ));
        }
        let collaborator = Collaborator {
            member: resolved,
            member_type: wire(member.member_type),
            permission: member.perm,
            perm_type: member.perm_type.map(wire).unwrap_or_default(),
        };
        documents::set_collaborator(tx, token, &collaborator).await?;
        Ok(Output { member: member.clone() })
    }
}

/// The word of an enum on the wire.
fn wire(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The id under which the store knows a collaborator.
async fn resolve(tx: &mut Tx, call: &Call, member: &Member) -> Result<String, Fault> {
    let id = &member.member_id;
    let absent =
        || {
            Fault::new(codes::DRIVE_PARAM_INVALID, "the member_id names nobody in this tenant")
                .with_violation("member_id", Some(id), "not found")
        };
    let form = match member.member_type {
        MemberType::OpenId => UserIdType::OpenId,
        MemberType::UnionId => UserIdType::UnionId,
        MemberType::UserId => UserIdType::UserId,
        MemberType::OpenChat => {
            let chat = match ChatId::parse(id) {
                Some(chat) => chats::get(tx, chat).await?,
                None => None,
            };
            return chat.map(|chat| chat.chat_id.to_string()).ok_or_else(absent);
        }
        MemberType::Email | MemberType::OpenDepartmentId | MemberType::GroupId | MemberType::WikiSpaceId => {
            return Ok(format!("{}:{id}", wire(member.member_type)));
        }
    };
    match translate::named(tx, call, form, id).await? {
        Named::User(user) => Ok(user.user_id),
        Named::Bot(app) => Ok(app.to_string()),
        _ => Err(absent()),
    }
}

const RIGHTS: Behaviour = Behaviour {
    name: "who_may_share_documents",
    rule: "The owner, and collaborators with full_access; other collaborators are 1063004, everybody else 1063002. A document that is unknown, deleted or of another type is 1063005.",
    basis: Assumed,
    switch: false,
};
