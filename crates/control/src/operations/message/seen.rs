//! What a user sees after a click.

use larkspur_api::messages::{Speaker, clicking};
use larkspur_api::{Called, cards};
use larkspur_contract::model::SubscriptionMode;
use larkspur_contract::{Code, Fault};
use larkspur_store::Tx;
use larkspur_store::apps::Install;
use larkspur_store::messages::Message;
use larkspur_store::users::User;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What the user sees.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The message that the client shows for a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    toast: Option<Value>,
    /// The new card; absent if the card stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Value>,
    /// The URL that the button opens. The app is told nothing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<String>,
    /// The code that the client shows; absent if nothing failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    /// What the code means.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// The ID of the callback; absent if none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// How the callback was sent; absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<SubscriptionMode>,
    /// How long the app took, in milliseconds.
    ms: u64,
}

impl Output {
    /// A button that opens a URL.
    pub(super) fn opening(url: String) -> Self {
        Output { opens: Some(url), ..Output::default() }
    }

    /// With the code that the client shows, and the reason.
    pub(super) fn failed(self, code: Code, why: impl Into<String>) -> Self {
        Output { code: Some(code.number), meaning: Some(code.text), failure: Some(why.into()), ..self }
    }
}

/// What the user sees of an answer. A callback that succeeded lets the app replace the card later, too.
pub(super) async fn answered(
    tx: &mut Tx,
    (user, speaker): (&User, &Speaker),
    app: &Install,
    message: &Message,
    called: Called,
) -> Result<Output, Fault> {
    let token = called.token();
    let seen = Output {
        event_id: Some(called.event_id),
        way: called.way.map(Into::into),
        ms: called.took_ms,
        ..Output::default()
    };
    if let Some((code, why)) = called.failure {
        if let (Some(token), Some(_)) = (&token, called.way) {
            cards::withdraw_token(tx, token).await?;
        }
        return Ok(seen.failed(code, why));
    }
    if let Some(token) = &token {
        cards::issue_token(tx, token, app.app_id, message.number, speaker.now).await?;
    }
    let answer = called.answer.unwrap_or_default();
    let given = |name: &str| answer.get(name).filter(|value| !value.is_null()).cloned();
    let seen = Output { toast: given("toast"), ..seen };
    Ok(match given("card") {
        None => seen,
        Some(card) => match clicking::replace(tx, speaker, user, message, &card).await? {
            Ok(new) => Output { card: Some(new), ..seen },
            Err((code, why)) => Output { toast: None, ..seen }.failed(code, why),
        },
    })
}
