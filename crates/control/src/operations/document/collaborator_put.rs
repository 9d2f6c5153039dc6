use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::ids::ChatId;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::{Root, documents};

use super::{Collaborator, Path, Shown};
use crate::operations::CONTROL;
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/documents/:token/collaborators`
pub(crate) struct Put;

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.document.collaborator_put",
        summary: "Give a user, a bot or a chat a permission on a document",
        route: put("/larkspur/v1/worlds/{tenant_key}/documents/{token}/collaborators"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"member":"{chat_id}","perm":"view"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Collaborator;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let id = &input.body.member;
        let (mut tx, _) = support::lock(root, call, &input.path.tenant_key).await?;
        let document = super::find(&mut tx, &input.path.token).await?;
        // The kinds of id are those of the public operation, which names a bot by an open_id.
        let (member, member_type) = if id.starts_with(ChatId::PREFIX) {
            (support::chat(&mut tx, id).await?.chat_id.to_string(), "openchat")
        } else {
            let member = support::member(&mut tx, "member", id).await?;
            let kind =
                if matches!(member, larkspur_store::chats::Member::Bot(_)) { "openid" } else { "userid" };
            (member.to_column(), kind)
        };
        let collaborator = documents::Collaborator {
            member,
            member_type: member_type.to_owned(),
            permission: input.body.perm,
            perm_type: "container".to_owned(),
        };
        documents::set_collaborator(&mut tx, &document.token, &collaborator).await?;
        super::show(&mut tx, document).await
    }
}
