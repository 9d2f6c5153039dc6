//! Step 7: the bytes of the answer.

use std::borrow::Cow;

use bytes::Bytes;
use larkspur_api::{Answer, Browse, Caller, Feed, Media, pages};
use larkspur_contract::{Access, Fault, Reply, codes, envelope};

use super::Trace;
use super::ranges::{self, Part};
use super::route::Routed;
use crate::App;
use crate::body::Body;
use crate::request::Response;

/// The media type of every answer that is not a file.
pub const JSON: &str = "application/json; charset=utf-8";
/// The media type of server-sent events.
pub const EVENTS: &str = "text/event-stream";

/// The response to a successful call. `range` is the part of the bytes that the client asked for.
pub(super) fn success(
    app: &App,
    routed: &Routed<'_, '_>,
    answer: Answer,
    (trace, range): (&Trace, Option<&str>),
) -> Response {
    let mut location = None;
    let mut extra = Vec::new();
    let (status, content_type, body): (u16, Cow<'static, str>, Body) = match answer {
        Answer::Browse(Browse::Page(html)) => (200, pages::HTML.into(), html.into()),
        Answer::Browse(Browse::Elsewhere(address)) => {
            location = Some(address);
            (302, pages::HTML.into(), Body::default())
        }
        Answer::Json(data) => {
            (200, JSON.into(), envelope::success(routed.route.entry.spec.reply, &data).into())
        }
        Answer::Bytes(bytes, media) => return download(bytes, media, (trace, range)),
        Answer::Feed(feed) => {
            extra.push(("Cache-Control", Cow::Borrowed("no-store")));
            (200, EVENTS.into(), streamed(feed))
        }
        Answer::Kept(..) => {
            let fault = Fault::new(codes::INTERNAL, "the bytes of the answer were not fetched");
            return failure(app, routed, &fault, trace);
        }
    };
    Response { id: Some(trace.id), location, content_type, extra, ..Response::plain(status, "", body) }
}

/// A file, or the part of it that the client asked for. Source: RFC 9110, section 14.
fn download(bytes: Bytes, media: Media, (trace, range): (&Trace, Option<&str>)) -> Response {
    let total = bytes.len();
    let mut extra: Vec<(&'static str, Cow<'static, str>)> = vec![("Accept-Ranges", "bytes".into())];
    if let Some(name) = media.file_name {
        extra.push(("Content-Disposition", ranges::disposition(&name, media.inline).into()));
    }
    let (status, body) = match ranges::part(range, total) {
        Part::Whole => (200, bytes),
        Part::Bytes { first, last } => {
            extra.push(("Content-Range", format!("bytes {first}-{last}/{total}").into()));
            (206, bytes.slice(first..=last))
        }
        Part::Outside => {
            extra.push(("Content-Range", format!("bytes */{total}").into()));
            (416, Bytes::new())
        }
    };
    let content_type = media.content_type.into();
    Response { id: Some(trace.id), content_type, extra, ..Response::plain(status, "", body) }
}

/// The response to a call that was refused, or failed.
pub(super) fn failure(app: &App, routed: &Routed<'_, '_>, fault: &Fault, trace: &Trace) -> Response {
    let spec = routed.route.entry.spec;
    let app_id = match &trace.caller {
        Some(Caller::Token(call)) => Some(call.app.app_id.to_string()),
        _ => None,
    };
    let context = envelope::Context {
        brand: trace.own.as_ref().and_then(|own| own.overrides().brand).unwrap_or(app.options.brand),
        log_id: trace.id.log_id(),
        method_id: routed.route.method_id,
        app_id: app_id.as_deref(),
        own: matches!(spec.access, Access::Control).then_some(spec.id),
    };
    let status = fault.code().status;
    let (content_type, body) = match spec.reply {
        Reply::Page => (pages::HTML, pages::failure(fault, trace.id.log_id(), &trace.frame).into_bytes()),
        form => (JSON, envelope::failure(form, fault, context)),
    };
    Response {
        id: Some(trace.id),
        retry: fault.retry(),
        doubtful: (status >= 500).then_some(fault.is_in_doubt()),
        ..Response::plain(status, content_type, body)
    }
}

/// A body of what a feed gives, until it ends or the server stops.
fn streamed(mut feed: Box<dyn Feed>) -> Body {
    Body::stream(|mut pieces| async move {
        loop {
            let piece = tokio::select! {
                biased;
                () = pieces.stopping() => None,
                piece = feed.next() => Some(piece),
            };
            match piece {
                Some(Some(piece)) => pieces.send(piece).await,
                Some(None) => return,
                None => {
                    if let Some(last) = feed.last() {
                        pieces.send(last).await;
                    }
                    return;
                }
            }
        }
    })
}
