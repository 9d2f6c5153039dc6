use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Basis, Behaviour, Consumes, Effect, Fault, Spec, codes, events, put};
use larkspur_store::Root;

use super::setting::Setting;
use super::{Shown, made_here, shown};
use crate::operations::CONTROL;
use crate::operations::app::Path;
use crate::support;

/// `PUT /larkspur/v1/worlds/:tenant_key/apps/:app_id/events`
pub(crate) struct Put;

impl Operation for Put {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.app.events.put",
        summary: "Set how an app receives events and callbacks",
        route: put("/larkspur/v1/worlds/{tenant_key}/apps/{app_id}/events"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[&events::URL_VERIFICATION],
        example: r#"{"request_url":"http://127.0.0.1:9000/events","encrypt_key":"a key of your own"}"#,
        behaviours: &[
            Behaviour {
                name: "url_verification",
                rule: "The URL for events gets one challenge, right after the answer to this call, and has 1 s to return it with HTTP 200. The URL for callbacks gets none.",
                basis: Basis::Documented,
                switch: false,
            },
            Behaviour {
                name: "event_retries",
                rule: "An event that is not answered with HTTP 200 within 3 s (2 s to connect) is retried after 15 s, 5 min, 1 h and 6 h by the world's clock, with the same uuid, then dropped.",
                basis: Basis::Documented,
                switch: false,
            },
            Behaviour {
                name: "event_order",
                rule: "By long connection, the first attempts for an app are sent in the order in which the events were committed; each connection gets its part in this order. By webhook, up to 64 posts to an app are in progress at a time, in any order. Retries do not delay later events.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "event_answers",
                rule: "Only HTTP 200, or 200 in an acknowledgment, counts as received: every other status, also of 2xx, and a redirect are failures.",
                basis: Basis::Observed,
                switch: false,
            },
            Behaviour {
                name: "event_decided",
                rule: "Which apps are told is decided when the event happens: an app that loses its scope, or whose bot leaves, before a retry still gets it.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "connection_retries",
                rule: "By long connection, an event that is not acknowledged within 3 s is retried as by webhook. If the app has no connection, the attempt counts as failed, and the event is sent as soon as one opens. Each push has a new message_id and the same event_id.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "connection_frames",
                rule: "By long connection, a payload over 256 KiB is sent in several frames.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "event_signature_time",
                rule: "X-Lark-Request-Timestamp is the real time in seconds, whatever the world's clock says. Challenges are not signed.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "event_backlog",
                rule: "The newest 10,000 events of an app in a world are kept, for 3 days. Older ones are deleted, even if they wait.",
                basis: Basis::Assumed,
                switch: false,
            },
            Behaviour {
                name: "event_setting_changed",
                rule: "Events that wait for a retry follow the mode, the key and the token at that time. They are dropped if the URL is removed or replaced by another one.",
                basis: Basis::Assumed,
                switch: false,
            },
        ],
        ..CONTROL
    };
    type Ground = Root;
    type Path = Path;
    type Query = Empty;
    type Body = Setting;
    type Output = Shown;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<Shown, Fault> {
        let (mut tx, now) = support::lock(root, call, &input.path.tenant_key).await?;
        let install = made_here(&mut tx, &input.path.app_id).await?;
        input.body.write(root, &mut tx, (call, now), &install).await?;
        shown(&mut tx, install.app_id, now - call.now).await
    }
}
