use larkspur_contract::model::{DocPermission, DocType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, put, rates, scopes};
use larkspur_store::{Tx, documents};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::support::{self, RIGHTS};
use super::{MemberPath, MemberType, PermType};
use crate::{Call, Input, Operation};

/// `PUT /drive/v1/permissions/:token/members/:member_id`
pub(super) struct Update;

/// The kind of the document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// Whether to notify the collaborator; ignored here.
    need_notification: Option<bool>,
}

/// The new permission.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Kind of the id in the path.
    member_type: MemberType,
    /// Its new permission.
    perm: DocPermission,
    /// Whether the permission includes a wiki node's subtree; unchanged by default.
    perm_type: Option<PermType>,
    /// Kind of collaborator; returned unchanged.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The collaborator.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// As sent.
    member: Member,
}

/// The collaborator, as sent.
#[derive(Debug, Serialize, JsonSchema)]
struct Member {
    /// Kind of id.
    member_type: MemberType,
    /// The id.
    member_id: String,
    /// Its permission.
    perm: DocPermission,
    /// Whether the permission includes a wiki node's subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    perm_type: Option<PermType>,
    /// Kind of collaborator.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
}

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.update",
        summary: "Change the permission of a collaborator",
        reference: "drive-v1/permission-member/update",
        route: put("/open-apis/drive/v1/permissions/{token}/members/{member_id}"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::BITABLE_BITABLE,
            scopes::DOCS_DOC,
            scopes::DOCS_MEMBER_UPDATE,
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
        example: r#"{"member_type":"openchat","perm":"edit"}"#,
        behaviours: &[RIGHTS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MemberPath;
    type Query = Query;
    type Body = Body;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let (id, body) = (&input.path.member_id, &input.body);
        let document = support::find(tx, &input.path.token, input.query.doc_type).await?;
        support::may_share(tx, call, &document).await?;
        let member = support::resolve(tx, call, body.member_type, id).await?;
        support::not_the_owner(&document, &member)?;
        let perm_type = body.perm_type.map(support::wire);
        if !documents::change_collaborator(tx, &document.token, &member, body.perm, perm_type).await? {
            return Err(support::absent(id));
        }
        Ok(Output {
            member: Member {
                member_type: body.member_type,
                member_id: id.clone(),
                perm: body.perm,
                perm_type: body.perm_type,
                kind: body.kind.clone(),
            },
        })
    }
}
