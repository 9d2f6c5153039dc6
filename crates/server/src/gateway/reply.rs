//! Step 7: the answer's bytes.

use std::borrow::Cow;

use bytes::Bytes;
use larkspur_api::{Answer, Browse, Caller};
use larkspur_contract::{Access, Fault, Reply, codes, envelope, page};

use super::Seen;
use super::route::Routed;
use crate::App;
use crate::request::Response;

/// The media type of every answer that is not a file.
pub const JSON: &str = "application/json; charset=utf-8";

/// Turns an outcome into a response.
pub(super) fn reply(
    app: &App,
    routed: &Routed<'_, '_>,
    outcome: Result<Answer, Fault>,
    seen: &Seen,
) -> Response {
    let spec = routed.route.entry.spec;
    let (form, id) = (spec.reply, seen.id);
    let refused_as = if form == Reply::Page { page::HTML } else { JSON };
    let (mut location, mut doubtful) = (None, None);
    let (status, content_type, retry, body) = match outcome {
        Ok(Answer::Browse(Browse::Page(html))) => (200, Cow::Borrowed(page::HTML), None, html.into()),
        Ok(Answer::Browse(Browse::Elsewhere(address))) => {
            location = Some(address);
            (302, Cow::Borrowed(page::HTML), None, Bytes::new())
        }
        Ok(Answer::Json(data)) => (200, Cow::Borrowed(JSON), None, envelope::success(form, &data).into()),
        Ok(Answer::Bytes(bytes, media)) => (200, Cow::Owned(media), None, bytes),
        refused => {
            let fault =
                refused.err().unwrap_or_else(|| Fault::new(codes::INTERNAL, "bytes that nobody fetched"));
            let app_id = match &seen.caller {
                Some(Caller::Token(call)) => Some(call.app.app_id.to_string()),
                _ => None,
            };
            let context = envelope::Context {
                brand: app.options.brand,
                log_id: id.log_id(),
                method_id: routed.route.method_id,
                app_id: app_id.as_deref(),
                own: matches!(spec.access, Access::Control).then_some(spec.id),
                frame: &seen.frame,
            };
            doubtful = (fault.code().status >= 500).then_some(fault.is_in_doubt());
            let body = envelope::failure(form, &fault, context);
            (fault.code().status, Cow::Borrowed(refused_as), fault.retry(), body.into())
        }
    };
    Response { status, content_type, id: Some(id), retry, doubtful, location, allow: None, body }
}
