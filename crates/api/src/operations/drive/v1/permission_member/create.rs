use larkspur_contract::model::{DocPermission, DocType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, post, rates, scopes};
use larkspur_store::Tx;
use larkspur_store::documents::{self, Collaborator};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::support::{self, RIGHTS};
use super::{DocumentPath, MemberType, PermType};
use crate::{Call, Input, Operation};

/// `POST /drive/v1/permissions/:token/members`
pub(super) struct Create;

/// The kind of the document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// Whether to notify the new collaborator; ignored here.
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
    /// Its permission.
    perm: DocPermission,
    /// Whether the permission includes a wiki node's subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_type: Option<PermType>,
    /// Kind of collaborator; returned unchanged.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

/// The collaborator.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// As sent.
    member: Member,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.create",
        summary: "Add a collaborator to a document",
        reference: "drive-v1/permission-member/create",
        route: post("/open-apis/drive/v1/permissions/{token}/members"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::BITABLE_BITABLE,
            scopes::DOCS_DOC,
            scopes::DOCS_MEMBER_CREATE,
            scopes::DRIVE_DRIVE,
            scopes::DRIVE_FILE,
            scopes::SHEETS_SPREADSHEET,
            scopes::WIKI_WIKI,
        ]),
        rate: rates::TIER_3,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("Success"),
        invalid: codes::DRIVE_PARAM_INVALID,
        codes: support::CODES,
        recodes: &[],
        emits: &[],
        example: r#"{"member_type":"openchat","member_id":"{chat_id}","perm":"view"}"#,
        behaviours: &[RIGHTS],
        deviations: &[
            "Departments, groups and wiki spaces are stored as collaborators and give no user a permission.",
        ],
    };
    type Ground = Tx;
    type Path = DocumentPath;
    type Query = Query;
    type Body = Member;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let token = &input.path.token;
        let document = support::find(tx, token, input.query.doc_type).await?;
        support::may_share(tx, call, &document).await?;
        let member = &input.body;
        let resolved = support::resolve(tx, call, member.member_type, &member.member_id).await?;
        support::not_the_owner(&document, &resolved)?;
        let collaborator = Collaborator {
            member: resolved,
            member_type: support::wire(member.member_type),
            permission: member.perm,
            perm_type: member.perm_type.map(support::wire).unwrap_or_default(),
        };
        documents::set_collaborator(tx, token, &collaborator).await?;
        Ok(Output { member: member.clone() })
    }
}
