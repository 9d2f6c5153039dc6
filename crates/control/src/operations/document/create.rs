use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::model::DocType;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, post};
use larkspur_store::Root;
use larkspur_store::documents::{self, Document};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shown;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `POST /larkspur/v1/worlds/:tenant_key/documents`
pub(crate) struct Create;

/// The document to create.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Its token: 1 to 64 letters, digits, `_` and `-`; a new one by default.
    #[schemars(extend("format" = "document-token"))]
    token: Option<String>,
    /// Its kind; docx by default.
    #[schemars(extend("default" = "docx"))]
    doc_type: Option<DocType>,
    /// Its title.
    #[schemars(length(max = 800))]
    title: Option<String>,
    /// A user_id or an app_id; none by default.
    owner: Option<String>,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.document.create",
        summary: "Create a document",
        route: post("/larkspur/v1/worlds/{tenant_key}/documents"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND, codes::CONTROL_CONFLICT],
        emits: &[],
        example: r#"{"doc_type":"sheet","owner":"{app_id}"}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let body = &input.body;
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let token = match &body.token {
            None => values::word(tx.random_id(), 24),
            Some(token) => token.clone(),
        };
        let owner = match &body.owner {
            Some(id) => support::member(&mut tx, "owner", id).await?.to_column(),
            None => String::new(),
        };
        let document = Document {
            token,
            doc_type: body.doc_type.unwrap_or(DocType::Docx),
            title: body.title.clone().unwrap_or_default(),
            owner,
            deleted: false,
        };
        if !documents::insert(&mut tx, &document, now).await? {
            return Err(support::conflict("token", &document.token));
        }
        super::show(&mut tx, document).await
    }
}
