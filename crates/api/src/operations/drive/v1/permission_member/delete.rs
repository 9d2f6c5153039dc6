use larkspur_contract::model::DocType;
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, delete, rates, scopes,
};
use larkspur_store::{Tx, documents};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::support::{self, RIGHTS};
use super::{MemberPath, MemberType, PermType};
use crate::{Call, Empty, Input, Operation};

/// `DELETE /drive/v1/permissions/:token/members/:member_id`
pub(super) struct Delete;

/// The kind of the document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// Kind of the id in the path.
    member_type: MemberType,
}

/// Details of the permission; all optional.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Whether the permission includes a wiki node's subtree.
    perm_type: Option<PermType>,
    /// Kind of collaborator.
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.delete",
        summary: "Remove a collaborator from a document",
        reference: "drive-v1/permission-member/delete",
        route: delete("/open-apis/drive/v1/permissions/{token}/members/{member_id}"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::BITABLE_BITABLE,
            scopes::DOCS_DOC,
            scopes::DOCS_MEMBER_DELETE,
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
        example: r#"{"type":"chat"}"#,
        behaviours: &[RIGHTS, WHOLE],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = MemberPath;
    type Query = Query;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let id = &input.path.member_id;
        let document = support::find(tx, &input.path.token, input.query.doc_type).await?;
        support::may_share(tx, call, &document).await?;
        let member = support::resolve(tx, call, input.query.member_type, id).await?;
        support::not_the_owner(&document, &member)?;
        if !documents::remove_collaborator(tx, &document.token, &member).await? {
            return Err(support::absent(id));
        }
        Ok(Empty {})
    }
}

const WHOLE: Behaviour = Behaviour {
    name: "member_delete_whole",
    rule: "The body is optional. A collaborator has one permission on a document, which is removed whatever perm_type and type say.",
    basis: Basis::Assumed,
    switch: false,
};
