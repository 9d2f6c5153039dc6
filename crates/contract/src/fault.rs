//! A refusal: the public code, and what only the log and the operator may see.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::Code;

/// Why a call was refused.
///
/// `code`, `message`, `violations` and `permissions` go on the wire; `note` goes only to the log.
pub struct Fault(Box<Inner>);

struct Inner {
    code: Code,
    text: Option<Cow<'static, str>>,
    cause: Option<Cow<'static, str>>,
    note: Cow<'static, str>,
    violations: Vec<FieldViolation>,
    permissions: Vec<Permission>,
    retry: Option<Retry>,
    doubtful: bool,
    kept: bool,
    rule: Option<&'static str>,
    facts: Vec<(&'static str, Cow<'static, str>)>,
    fixes: Vec<Fix>,
}

/// A call of the control API that would let a refused call through. `tenant_key` is implied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fix {
    /// The operation.
    pub id: &'static str,
    /// Its path parameters besides `tenant_key`, names and values.
    pub path: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Value,
}

impl Fix {
    /// A call of an operation.
    pub fn new(id: &'static str, path: Vec<(&'static str, String)>, body: Value) -> Self {
        Fix { id, path, body }
    }
}

/// One invalid field of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldViolation {
    /// `a.b[*].c`
    pub field: String,
    /// The value sent, as text, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is required of it, in the platform's wording.
    pub description: String,
}

/// One scope that would have been sufficient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// `action_scope_required` for apps, `action_privilege_required` for users.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The scope.
    pub subject: &'static str,
}

/// When the next call may succeed, for the two rate-limit headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) limit: u32,
    pub(crate) seconds: u32,
}

impl Fault {
    /// A refusal with this code; `note` is the reason, for the log.
    pub fn new(code: Code, note: impl Into<Cow<'static, str>>) -> Self {
        Fault(Box::new(Inner {
            code,
            text: None,
            cause: None,
            note: note.into(),
            violations: Vec::new(),
            permissions: Vec::new(),
            retry: None,
            doubtful: false,
            kept: false,
            rule: None,
            facts: Vec::new(),
            fixes: Vec::new(),
        }))
    }

    /// Replaces the wire text. Texts are made in [`crate::codes`].
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.text = Some(text.into());
        self
    }

    /// Adds the cause in the platform's own words, for the wire: see [`Fault::message`].
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cow<'static, str>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Leaves the text alone.
    #[must_use]
    pub fn without_cause(mut self) -> Self {
        self.0.cause = None;
        self
    }

    /// Names the request field that the violations are about, by its full path.
    #[must_use]
    pub fn about(mut self, field: &str) -> Self {
        for violation in &mut self.0.violations {
            field.clone_into(&mut violation.field);
        }
        self
    }

    /// The same refusal under another code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// Attaches field violations.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<FieldViolation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Attaches one field violation.
    #[must_use]
    pub fn with_violation(self, field: &str, value: Option<&str>, description: &str) -> Self {
        self.with_violations(vec![FieldViolation {
            field: field.to_owned(),
            value: value.map(str::to_owned),
            description: description.to_owned(),
        }])
    }

    /// Attaches the scopes of which one is required.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Vec<Permission>) -> Self {
        self.0.permissions = permissions;
        self
    }

    /// Attaches the cap of the window that tripped and the whole seconds until it opens again.
    #[must_use]
    pub fn with_retry(mut self, limit: u32, seconds: u32) -> Self {
        self.0.retry = Some(Retry { limit, seconds });
        self
    }

    /// Marks the call as possibly done in spite of the refusal.
    #[must_use]
    pub fn in_doubt(mut self) -> Self {
        self.0.doubtful = true;
        self
    }

    /// Keeps what was written before the refusal, because it must outlive it.
    #[must_use]
    pub fn keeping_writes(mut self) -> Self {
        self.0.kept = true;
        self
    }

    /// Names the rule that decided, for explanations: a [`Behaviour`](crate::Behaviour) of the operation or one of
    /// [`RULES`](crate::rules::RULES).
    #[must_use]
    pub fn by_rule(mut self, rule: &'static str) -> Self {
        self.0.rule = Some(rule);
        self
    }

    /// Adds a fact that decided: its name and its value.
    #[must_use]
    pub fn with_fact(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.0.facts.push((name, value.into()));
        self
    }

    /// Adds a call of the control API that would let the refused call through.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.0.fixes.push(fix);
        self
    }

    /// Takes over the rule, the facts and the fixes of another fault.
    #[must_use]
    pub fn explained_as(mut self, other: &Fault) -> Self {
        self.0.rule = other.0.rule;
        self.0.facts.clone_from(&other.0.facts);
        self.0.fixes.clone_from(&other.0.fixes);
        self
    }

    /// The public code.
    pub fn code(&self) -> Code {
        self.0.code
    }
    /// The wire text without the cause.
    pub fn text(&self) -> &str {
        self.0.text.as_deref().unwrap_or(self.0.code.text)
    }
    /// The cause, if one is given.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
    /// The wire message: the text, with `, ext=` and the cause in place of its full stop. Source: the
    /// manual's page on 230001, and live answers.
    pub fn message(&self) -> Cow<'_, str> {
        let text = self.text();
        match self.cause() {
            None => Cow::Borrowed(text),
            Some(cause) => Cow::Owned(format!("{}, ext={cause}", text.strip_suffix('.').unwrap_or(text))),
        }
    }
    /// The private note.
    pub fn note(&self) -> &str {
        &self.0.note
    }
    /// The invalid fields.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }
    /// The scopes of which one is required.
    pub fn permissions(&self) -> &[Permission] {
        &self.0.permissions
    }
    /// Whether the call may have been done; if not, it had no effect.
    pub fn is_in_doubt(&self) -> bool {
        self.0.doubtful
    }
    /// Whether writes made before the refusal are kept.
    pub fn keeps_writes(&self) -> bool {
        self.0.kept
    }
    /// The rule that decided, if it is named.
    pub fn rule(&self) -> Option<&'static str> {
        self.0.rule
    }
    /// The facts that decided, names and values.
    pub fn facts(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.0.facts
    }
    /// Calls of the control API that would let the refused call through.
    pub fn fixes(&self) -> &[Fix] {
        &self.0.fixes
    }
    /// Cap and seconds for the rate-limit headers.
    pub fn retry(&self) -> Option<(u32, u32)> {
        self.0.retry.map(|retry| (retry.limit, retry.seconds))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.0.code, self.0.note)
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Fault::new(code, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn a_cause_replaces_the_full_stop() {
        let fault = Fault::from(codes::PARAM_INVALID).with_cause("invalid page_token");
        assert_eq!(
            fault.message(),
            "Your request contains an invalid request parameter, ext=invalid page_token"
        );
        assert_eq!(fault.text(), codes::PARAM_INVALID.text);
        assert_eq!(fault.without_cause().message(), codes::PARAM_INVALID.text);
        // A text without a full stop.
        assert_eq!(
            Fault::from(codes::TAG_PARAM_INVALID).with_cause("x").message(),
            "param is invalid, ext=x"
        );
    }

    #[test]
    fn violations_can_be_given_a_field_path() {
        let fault = Fault::from(codes::OPEN_ID_UNKNOWN).with_violation("open_id", Some("ou_x"), "invalid id");
        assert_eq!(fault.about("id_list[*]").violations()[0].field, "id_list[*]");
    }
}
