use larkspur_contract::ids::{AppId, ChatId, OpenId};
use larkspur_contract::model::{DocPermission, DocType};
use larkspur_contract::{
    Access, Basis, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, get, rates, scopes,
};
use larkspur_store::users::{self, User};
use larkspur_store::{Tx, chats, documents};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DocumentPath, PermType, support};
use crate::rules::images::avatar_url;
use crate::{Call, Empty, Input, Operation};

/// `GET /drive/v1/permissions/:token/members`
pub(super) struct List;

/// The kind of the document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Query {
    /// The document's kind.
    #[serde(rename = "type")]
    doc_type: DocType,
    /// Further fields to return: `name`, `type`, `avatar` and `external_label`, separated by commas, or `*` for all.
    fields: Option<String>,
    /// The kind of permissions on a wiki node to return; all by default.
    perm_type: Option<PermType>,
}

/// The collaborators.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// In the order of their ids.
    items: Vec<Item>,
}

/// A collaborator.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// Kind of id: `openid` for users and bots, `openchat` for chats, otherwise as sent.
    member_type: String,
    /// The id.
    member_id: String,
    /// Its permission.
    perm: DocPermission,
    /// `container` or `single_page`.
    #[serde(skip_serializing_if = "String::is_empty")]
    perm_type: String,
    /// Kind of collaborator: `user` or `chat`; if requested.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// Name of a user or chat; if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// URL of a user's picture; if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    /// Whether the collaborator belongs to another tenant; always false; if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_label: Option<bool>,
}

impl Operation for List {
    const SPEC: &'static Spec = &Spec {
        id: "drive.v1.permission_member.list",
        summary: "List the collaborators of a document",
        reference: "drive-v1/permission-member/list",
        route: get("/open-apis/drive/v1/permissions/{token}/members"),
        access: Access::tenant_or_user(&[
            scopes::BITABLE_APP,
            scopes::BITABLE_BITABLE,
            scopes::DOCS_DOC,
            scopes::DOCS_MEMBER_RETRIEVE,
            scopes::DRIVE_DRIVE,
            scopes::SHEETS_SPREADSHEET,
            scopes::WIKI_WIKI,
        ]),
        rate: rates::TIER_4,
        effect: Effect::Reads,
        consumes: Consumes::Nothing,
        reply: Reply::Data("Success"),
        invalid: codes::DRIVE_PARAM_INVALID,
        codes: support::READ_CODES,
        recodes: &[],
        emits: &[],
        example: r#"type=docx"#,
        behaviours: &[LISTED],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = DocumentPath;
    type Query = Query;
    type Body = Empty;
    type Output = Output;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Output, Fault> {
        let document = support::find(tx, &input.path.token, input.query.doc_type).await?;
        if support::right_of(tx, call, &document).await?.is_none() {
            return Err(Fault::new(codes::DRIVE_PERMISSION_DENIED, "the operator is not a collaborator"));
        }
        let perm_type = input.query.perm_type.map(support::wire);
        let mut found = documents::collaborators(tx, &document.token).await?;
        found.retain(|one| perm_type.as_ref().is_none_or(|asked| one.perm_type == *asked));
        let people = users::by_ids(tx, found.iter().map(|one| one.member.as_str())).await?;
        let asked = |name: &str| {
            let fields = input.query.fields.as_deref().unwrap_or_default();
            fields.split(',').any(|field| field == "*" || field == name)
        };
        let mut items = Vec::with_capacity(found.len());
        for one in found {
            let user = people.iter().find(|user| user.user_id == one.member);
            let ListedMember { member_type, member_id, kind, name } =
                shown(tx, call, one.member, one.member_type, user).await?;
            items.push(Item {
                member_type,
                member_id,
                perm: one.permission,
                perm_type: one.perm_type,
                avatar: user.filter(|_| asked("avatar")).map(|_| avatar_url("")),
                kind: kind.filter(|_| asked("type")),
                name: name.filter(|_| asked("name")),
                external_label: asked("external_label").then_some(false),
            });
        }
        Ok(Output { items })
    }
}

/// A collaborator in the caller's id forms.
struct ListedMember {
    member_type: String,
    member_id: String,
    kind: Option<&'static str>,
    name: Option<String>,
}

/// Converts a collaborator to the caller's id forms; `member` and `sent_as` are as stored.
async fn shown(
    tx: &mut Tx,
    call: &Call,
    member: String,
    sent_as: String,
    user: Option<&User>,
) -> Result<ListedMember, Fault> {
    let by_open_id = |open_id: OpenId, name: Option<String>| ListedMember {
        member_type: "openid".to_owned(),
        member_id: open_id.to_string(),
        kind: Some("user"),
        name,
    };
    let keys = &tx.engine().keys;
    if let Some(user) = user {
        let open_id = keys.open_id(user.user_no.cast_unsigned(), call.app_id());
        return Ok(by_open_id(open_id, Some(user.name.clone())));
    }
    if let Some(app) = AppId::parse(&member) {
        return Ok(by_open_id(keys.open_id(app.0, call.app_id()), None));
    }
    if let Some(chat) = ChatId::parse(&member) {
        let name = chats::get(tx, chat).await?.map(|chat| chat.name);
        return Ok(ListedMember {
            member_type: "openchat".to_owned(),
            member_id: member,
            kind: Some("chat"),
            name,
        });
    }
    let id = member.split_once(':').map_or(member.as_str(), |(_, id)| id).to_owned();
    Ok(ListedMember { member_type: sent_as, member_id: id, kind: None, name: None })
}

const LISTED: Behaviour = Behaviour {
    name: "who_lists_collaborators",
    rule: "Every collaborator and the owner may list; the owner is not in the list.",
    basis: Basis::Assumed,
    switch: false,
};
