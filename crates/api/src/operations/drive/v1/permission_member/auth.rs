use larkspur_contract::model::{DocPermission, DocType};
use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes};
use larkspur_contract::{Basis, Behaviour};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DocumentPath, support};
use crate::{Call, Empty, Input, Operation};

/// `GET /drive/v1/permissions/:token/members/auth`
pub(super) struct Auth;

/// The kind of the document, and the action.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// The action to check.
    action: Action,
}

/// Actions on a document.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    View,
    Edit,
    Share,
    Comment,
    Export,
    Copy,
    Print,
    ManagePublic,
}

/// The result of the check.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Whether the action is allowed.
    auth_result: bool,
}

impl Operation for Auth {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.auth",
        summary: "Check whether the operator may perform an action on a document",
        reference: "drive-v1/permission-member/auth",
        route: get("/open-apis/drive/v1/permissions/{token}/members/auth"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::BITABLE_BITABLE,
            scopes::DOCS_DOC,
            scopes::DOCS_MEMBER_AUTH,
            scopes::DRIVE_DRIVE,
            scopes::SHEETS_SPREADSHEET,
            scopes::WIKI_WIKI,
        ]),
        rate: rates::TIER_3,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("Success"),
        invalid: codes::DRIVE_PARAM_INVALID,
        codes: support::AUTH_CODES,
        recodes: &[],
        emits: &[],
        example: r#"type=docx&action=view"#,
        behaviours: &[ACTIONS],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = DocumentPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let document = support::find(tx, &input.path.token, input.query.doc_type).await?;
        let right = support::right_of(tx, call, &document).await?;
        let auth_result = match input.query.action {
            Action::View | Action::Comment | Action::Export | Action::Copy | Action::Print => right.is_some(),
            Action::Edit => matches!(right, Some(DocPermission::Edit | DocPermission::FullAccess)),
            Action::Share | Action::ManagePublic => right == Some(DocPermission::FullAccess),
        };
        Ok(Output { auth_result })
    }
}

const ACTIONS: Behaviour = Behaviour {
    name: "document_actions",
    rule: "comment, export, copy and print need only view; edit needs edit; share and manage_public need full_access. For an operator who is not a collaborator, the answer is false.",
    basis: Basis::Assumed,
    switch: false,
};
