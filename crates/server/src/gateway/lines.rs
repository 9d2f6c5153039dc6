//! The log lines of calls, all with the same fields.

use std::fmt::Write;
use std::time::Duration;

use larkspur_contract::{Fault, codes};

use super::who::Who;
use crate::call_id::CallId;

/// The most fields of a request that a line lists.
const FIELDS: usize = 5;
/// The most characters of an id that a line shows.
const SHOWN: usize = 64;
/// The most characters of a note that are shown. A note may contain an id of the request, of any length.
const NOTE: usize = 500;

/// The most characters of an unknown path that a line shows.
const PATH: usize = 200;

/// The contents of a call's log line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    log_id: &'a str,
    who: Who,
    took: Duration,
    operation: Option<&'a str>,
    code: Option<u32>,
}

impl<'a> Line<'a> {
    /// The line of a call that took this long.
    pub(super) fn of(id: &'a CallId, who: Who, took: Duration) -> Self {
        Line { log_id: id.log_id(), who, took, operation: None, code: None }
    }

    /// The same for an operation: its id and the code of the answer, 0 for success.
    pub(super) fn answering(self, operation: &'a str, code: u32) -> Self {
        Line { operation: Some(operation), code: Some(code), ..self }
    }

    /// Milliseconds, to the microsecond; capped a little above an hour.
    fn duration_ms(&self) -> f64 {
        f64::from(u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX)) / 1000.0
    }
}

/// Writes a line with the common fields, and with those of this line.
macro_rules! line {
    ($level:ident, $line:expr, $text:literal $(, $name:ident = $value:expr)*) => {{
        let line: Line<'_> = $line;
        tracing::$level!(
            log_id = line.log_id,
            tenant = line.who.tenant.map(tracing::field::display),
            app_id = line.who.app_id.map(tracing::field::display),
            token = line.who.token,
            claimed = line.who.claimed.then_some(true),
            operation = line.operation,
            code = line.code,
            duration_ms = line.duration_ms(),
            $($name = $value,)*
            $text
        )
    }};
}

/// A successful call.
pub(super) fn answered(line: Line<'_>) {
    line!(debug, line, "answered");
}

/// A refused call, or one that should have succeeded. A refusal `planned` by a test or an operator is no failure, whatever its
/// status.
pub(super) fn refused(line: Line<'_>, fault: &Fault, planned: bool) {
    let (why, code) = (why(fault), fault.code());
    if code.status >= 500 && !planned && code != codes::READ_ONLY {
        line!(error, line, "failed", why = why);
    } else {
        line!(info, line, "refused", why = why);
    }
}

/// A request that is no operation of the registry.
pub(crate) fn outside(
    (id, who, took): (&CallId, Who, Duration),
    operation: &'static str,
    (fault, planned): (Option<&Fault>, bool),
) {
    let line = Line::of(id, who, took).answering(operation, fault.map_or(0, |fault| fault.code().number));
    match fault {
        Some(fault) => refused(line, fault, planned),
        None => answered(line),
    }
}

/// A code that the operation's page does not list.
pub(super) fn undocumented(line: Line<'_>, fault: &Fault) {
    line!(error, line, "undocumented answer", why = why(fault), name = fault.code().name);
}

/// A path that is unknown to Larkspur and the platform, or has other methods only.
pub(super) fn unknown(line: Line<'_>, method: &str, path: &str, methods: &str) {
    let there = (!methods.is_empty()).then_some(methods);
    let why = if there.is_some() { "no such method on this path" } else { "no such path" };
    let path = shown(path);
    line!(info, line, "unknown path", why = why, method = method, path = path, methods = there);
}

/// The beginning of a path, without the secret at the end of a web hook's URL.
fn shown(path: &str) -> &str {
    const HOOK: &str = "/hook/";
    let end = path.find(HOOK).map_or(path.len(), |at| at + HOOK.len());
    let long = path.char_indices().nth(PATH).map_or(path.len(), |(at, _)| at);
    &path[..end.min(long)]
}

/// Why an operation that is not served is refused.
const NOT_HERE: &str = "the operation is not served";

/// A platform operation that Larkspur does not serve; `loud` once a minute.
pub(super) fn unserved(line: Line<'_>, loud: bool) {
    if loud {
        line!(warn, line, "not served", why = NOT_HERE);
    } else {
        line!(debug, line, "not served", why = NOT_HERE);
    }
}

/// Why a call is refused: the private note, the scopes any of which suffices, the invalid fields. Of the input it shows
/// only ids: other fields may contain secrets.
fn why(fault: &Fault) -> String {
    let mut text: String = fault.note().chars().take(NOTE).collect();
    let mut more = |what: std::fmt::Arguments<'_>| {
        let _ = text.write_str(if text.is_empty() { "" } else { "; " });
        let _ = text.write_fmt(what);
    };
    let scopes: Vec<&str> = fault.permissions().iter().map(|permission| permission.subject).collect();
    if !scopes.is_empty() {
        more(format_args!("any of these scopes suffices: {}", scopes.join(", ")));
    }
    for violation in fault.violations().iter().take(FIELDS) {
        let (field, description) = (&violation.field, &violation.description);
        match violation.value.as_deref().filter(|_| is_id(field)) {
            Some(value) => {
                let value: String = value.chars().take(SHOWN).collect();
                more(format_args!("{field} {value:?}: {description}"));
            }
            // The note of a request that does not match the schema lists the fields, too.
            None if fault.note().contains(&format!("{field}: {description}")) => {}
            None => more(format_args!("{field}: {description}")),
        }
    }
    let left = fault.violations().len().saturating_sub(FIELDS);
    if left > 0 {
        more(format_args!("{left} more fields"));
    }
    text
}

/// Whether a field contains ids, by the words of its name.
fn is_id(field: &str) -> bool {
    field.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "id" || word == "ids")
}

#[cfg(test)]
mod tests {
    use larkspur_contract::{FieldViolation, Permission, codes};

    use super::*;

    #[test]
    fn paths_are_shown_without_secrets_and_not_for_ever() {
        assert_eq!(shown("/open-apis/im/v9/x"), "/open-apis/im/v9/x");
        assert_eq!(shown("/open-apis/bot/v2/hook/hush"), "/open-apis/bot/v2/hook/");
        assert_eq!(shown(&"é".repeat(300)), "é".repeat(200));
        assert_eq!(shown(""), "");
    }

    #[test]
    fn a_note_is_cut() {
        assert_eq!(why(&Fault::new(codes::PARAM_INVALID, "é".repeat(9_000_000))), "é".repeat(NOTE));
    }

    #[test]
    fn why_names_scopes_and_ids_and_shows_no_other_value() {
        let permissions = ["a:b", "c:d"].map(|subject| Permission { kind: "action_scope_required", subject });
        let fault =
            Fault::new(codes::SCOPE_MISSING, "none of the scopes").with_permissions(permissions.to_vec());
        assert_eq!(why(&fault), "none of the scopes; any of these scopes suffices: a:b, c:d");
        let violation = |field: &str, value: &str| FieldViolation {
            field: field.to_owned(),
            value: Some(value.to_owned()),
            description: "no".to_owned(),
        };
        let people: Vec<_> = (0..7).map(|n| violation("id_list[*]", &format!("ou_{n}"))).collect();
        let fault = Fault::new(codes::IDS_UNAVAILABLE, "").with_violations(people);
        assert_eq!(
            why(&fault),
            "id_list[*] \"ou_0\": no; id_list[*] \"ou_1\": no; id_list[*] \"ou_2\": no; id_list[*] \"ou_3\": no; \
             id_list[*] \"ou_4\": no; 2 more fields"
        );
        let told = |field: &str, description: &str| FieldViolation {
            description: description.to_owned(),
            ..violation(field, "x")
        };
        let fault = Fault::new(codes::PARAM_INVALID, "name: too long; sort: no such order")
            .with_violations(vec![told("name", "too long"), told("sort", "other")]);
        assert_eq!(why(&fault), "name: too long; sort: no such order; sort: other", "nothing is told twice");
        let secrets =
            ["app_secret", "encrypt_key", "identity", "valid"].map(|field| violation(field, "hush"));
        let fault = Fault::new(codes::PARAM_INVALID, "no").with_violations(secrets.to_vec());
        assert!(!why(&fault).contains("hush"), "{}", why(&fault));
        let long =
            Fault::from(codes::PARAM_INVALID).with_violations(vec![violation("a.user_id", &"x".repeat(99))]);
        assert_eq!(why(&long), format!("a.user_id {:?}: no", "x".repeat(64)));
    }
}
