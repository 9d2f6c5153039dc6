use larkspur_api::callbacks::{self, Cause};
use larkspur_api::messages::standing::Act;
use larkspur_api::messages::{changing, clicking};
use larkspur_api::rules::card::render::{ClickError, Inputs, action_of};
use larkspur_api::{Empty, Input, Operation, RootCall, cards};
use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, events, post};
use larkspur_store::apps::{self, Install};
use larkspur_store::messages::Message;
use larkspur_store::users::User;
use larkspur_store::{Root, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::seen::{self, Output};
use super::{PEOPLE, Path};
use crate::operations::CONTROL;
use crate::values;

/// `POST /larkspur/v1/worlds/:tenant_key/messages/:message_id/clicks`
pub(crate) struct Click;

/// Who clicks, and on what.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// The user_id of the user who clicks.
    r#as: String,
    /// The address of the element: its `element_id`, its `name`, or its place as `larkspur.v1.chat.messages` shows it.
    element: Option<String>,
    /// The language of the user's client, such as `zh_cn`; `en_us` by default. It decides what a place in a card that has its
    /// elements by language means.
    lang: Option<String>,
    /// The action as the callback is to have it, with a `tag`, instead of an element. It need not be one of the card.
    action: Option<Map<String, Value>>,
    /// The value of the action, instead of the element's.
    value: Option<Value>,
    /// The option chosen in a menu, or the date or time.
    option: Option<String>,
    /// The options chosen in a menu of several.
    options: Option<Vec<String>>,
    /// The values of a form by the names of its components, for its submit button. Others keep their initial values.
    form: Option<Map<String, Value>>,
    /// The text entered into a field.
    input: Option<String>,
    /// Whether the box was ticked.
    checked: Option<bool>,
    /// The time zone of the user, such as `Asia/Shanghai`.
    timezone: Option<String>,
}

impl Operation for Click {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.message.click",
        summary: "Use an element of a card, as a user's client would, and show what the user sees",
        route: post("/larkspur/v1/worlds/{tenant_key}/messages/{message_id}/clicks"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[
            codes::CONTROL_PARAM_INVALID,
            codes::CONTROL_NOT_FOUND,
            codes::MESSAGE_NOT_IN_CHAT,
            codes::MESSAGE_WITHDRAWN,
        ],
        emits: &[&events::CARD_ACTION],
        example: r#"{"as":"{user_id}","element":"approve"}"#,
        behaviours: &[PEOPLE, clicking::TOLD, clicking::ANSWER, clicking::SILENT, cards::PERSONAL],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Body;
    type Output = Output;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Output, Fault> {
        let (path, body) = (&input.path, &input.body);
        let (mut tx, user, speaker) = super::person(root, call, &path.tenant_key, &body.r#as).await?;
        let message = super::lock(&mut tx, "message_id", &path.message_id).await?;
        super::enter(&mut tx, &speaker, &message, Act::Read).await?;
        changing::stands(&message)?;
        let now = speaker.now;
        // The card may have changed since the callback was sent: what was clicked is not judged again.
        let action = match input.asking.called() {
            Some(_) => Value::Null,
            None => match clicked(&mut tx, body, &message, &user).await? {
                Ok(action) => action,
                Err(seen) => return Ok(seen),
            },
        };
        let Some(app) = listening(&mut tx, &message).await? else {
            // It may have been disabled since the callback was sent.
            if let Some(token) = input.asking.called().and_then(|called| called.token()) {
                cards::withdraw_token(&mut tx, &token).await?;
            }
            let why = "no app in use has sent the card";
            return Ok(Output::default().failed(codes::CALLBACK_NO_ADDRESS, why));
        };
        let token = cards::new_token(&tx);
        let payload = clicking::told(&tx, &app, &user, &message, &action, &token)?;
        let cause = Cause { kind: &events::CARD_ACTION, payload, now };
        let called = match callbacks::send(&mut tx, &input.asking, &app, cause).await {
            Ok(called) => called,
            // It is sent after this transaction: the app may use the token before the next one has ended.
            Err(unsent) => {
                cards::announce_token(&mut tx, &token, app.app_id, message.number, now).await?;
                return Err(unsent.keeping_writes());
            }
        };
        seen::answered(&mut tx, (&user, &speaker), &app, &message, called).await
    }
}

/// The language of clients, as in `larkspur.v1.chat.messages`.
const LANGUAGE: &str = "en_us";

/// The app that sent the card, if it is in use.
async fn listening(tx: &mut Tx, message: &Message) -> Result<Option<Install>, Fault> {
    let Some(app_id) = message.app else { return Ok(None) };
    let found = apps::stored_install(tx, app_id).await?;
    Ok(found.filter(|app| app.bot && app.status == InstallStatus::Enabled))
}

/// The action that the app is told, or what the user sees if it is told nothing.
async fn clicked(
    tx: &mut Tx,
    body: &Body,
    message: &Message,
    user: &User,
) -> Result<Result<Value, Output>, Fault> {
    let Some(card) = clicking::current(tx, message, user).await? else {
        return Err(values::invalid("message_id", None, "the message shows no card"));
    };
    let mut action = match (&body.element, &body.action) {
        (None, Some(action)) if action.get("tag").is_some_and(Value::is_string) => json!(action),
        (None, Some(_)) => return Err(values::invalid("action.tag", None, "the tag of an element")),
        (Some(element), None) => {
            let inputs = Inputs {
                option: body.option.clone(),
                options: body.options.clone(),
                input_value: body.input.clone(),
                checked: body.checked,
                form_value: body.form.clone().unwrap_or_default(),
                timezone: body.timezone.clone(),
            };
            let language = body.lang.as_deref().unwrap_or(LANGUAGE);
            match action_of(&card, language, element, &inputs) {
                Ok(action) => json!(action),
                Err(ClickError::Opens(url)) => return Ok(Err(Output::opening(url))),
                Err(ClickError::Resets) => return Ok(Err(Output::default())),
                Err(error @ ClickError::Unnamed(_)) => {
                    let why = error.to_string();
                    return Ok(Err(Output::default().failed(codes::CALLBACK_COMPONENT_UNNAMED, why)));
                }
                Err(error) => return Err(values::invalid("element", Some(element), &error.to_string())),
            }
        }
        _ => return Err(values::invalid("element", None, "either element or action")),
    };
    if let Some(value) = &body.value {
        action["value"] = value.clone();
    }
    Ok(Ok(action))
}
