use larkspur_contract::Basis::Assumed;
use larkspur_contract::model::UserIdType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, PAGE_SPEAKS, Reply, Spec, codes, post, rates, scopes,
};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::translate::{self, Named};
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v2/url_previews/batch_update`
pub(super) struct BatchUpdate;

/// The previews, and for whom.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// The tokens of the previews.
    #[schemars(length(min = 1, max = 10))]
    preview_tokens: Vec<String>,
    /// The users whose previews are updated; all without it.
    #[schemars(length(max = 100))]
    open_ids: Option<Vec<String>>,
}

impl Operation for BatchUpdate {
    const SPEC: &'static Spec = &Spec {
        id: "im.v2.url_preview.batch_update",
        summary: "Have previews of links fetched again",
        reference: "im-v2/url_preview/batch_update",
        route: post("/open-apis/im/v2/url_previews/batch_update"),
        access: Access::tenant(&[scopes::IM_URL_PREVIEW_UPDATE]),
        rate: rates::TIER_6,
        effect: Effect::Reads,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::TAG_PARAM_INVALID,
        codes: &[codes::TAG_PARAM_INVALID],
        recodes: &[],
        emits: &[],
        example: r#"{"preview_tokens":["f7a7e3d9-3d0b-4ec5-a2f8-2d7b6b7c6a11"]}"#,
        behaviours: &[PAGE_SPEAKS, TOKENS],
        deviations: &[
            "Links have no previews here: no client asks the app for them, so the update changes nothing.",
        ],
    };
    type Ground = Tx;
    type Path = Empty;
    type Query = Empty;
    type Body = Body;
    type Output = Empty;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let body = &input.body;
        if body.preview_tokens.iter().any(String::is_empty) {
            return Err(refused("preview_tokens[*]", "an empty token"));
        }
        let ids: Vec<&str> = body.open_ids.iter().flatten().map(String::as_str).collect();
        let named = translate::all_named(tx, call, UserIdType::OpenId, &ids).await?;
        if named.iter().any(|named| !matches!(named, Named::User(_))) {
            return Err(refused("open_ids[*]", "an id of no user"));
        }
        Ok(Empty {})
    }
}

fn refused(field: &str, why: &'static str) -> Fault {
    Fault::new(codes::TAG_PARAM_INVALID, why).with_violation(field, None, why)
}

const TOKENS: Behaviour = Behaviour {
    name: "url_preview_tokens",
    rule: "Any token that is not empty is accepted. An open_id that names no user of the tenant is 230001.",
    basis: Assumed,
    switch: false,
};
