//! Strings with a required form, which a schema names by its `format`.

use crate::ids::AppId;
use crate::nearest::did_you_mean;
use crate::scopes;

/// The form of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The name of a permission scope.
    Scope,
    /// The `user_id` of a user in a tenant.
    UserId,
    /// The id of an app.
    AppId,
    /// The token of a document.
    DocumentToken,
    /// An absolute http or https URL.
    Address,
    /// Where events are posted: a URL without a fragment, or empty.
    RequestUrl,
}

impl Form {
    /// The form that a schema names.
    pub fn parse(format: &str) -> Option<Form> {
        match format {
            "scope" => Some(Form::Scope),
            "user-id" => Some(Form::UserId),
            "app-id" => Some(Form::AppId),
            "document-token" => Some(Form::DocumentToken),
            "http-address" => Some(Form::Address),
            "request-url" => Some(Form::RequestUrl),
            _ => None,
        }
    }

    /// What the form requires, for documents.
    pub fn asked(self) -> &'static str {
        match self {
            Form::Scope => "the name of a scope",
            Form::UserId => "1 to 64 letters, digits and _ - . @, not starting with cli_, oc_, ou_ or on_",
            Form::AppId => "cli_ and 16 lower-case hex digits",
            Form::DocumentToken => "1 to 64 letters, digits, _ and -",
            Form::Address => "an absolute http or https URL in ASCII, without user information",
            Form::RequestUrl => {
                "an absolute http or https URL in ASCII, without user information or fragment; or empty"
            }
        }
    }

    /// The problem with a text; `None` if it has the form.
    pub fn wrong(self, text: &str) -> Option<String> {
        let fits = match self {
            Form::Scope => {
                let near = || did_you_mean(text, scopes::known());
                return (!scopes::is_known(text)).then(|| format!("unknown scope{}", near()));
            }
            Form::UserId => is_user_id(text),
            Form::AppId => AppId::parse(text).is_some(),
            Form::DocumentToken => is_word(text, b"_-"),
            Form::Address => is_address(text),
            Form::RequestUrl => text.is_empty() || (is_address(text) && !text.contains('#')),
        };
        (!fits).then(|| self.asked().to_owned())
    }
}

/// Whether a text is a valid user_id: it cannot be mistaken for another kind of id, and URLs do not change it.
fn is_user_id(text: &str) -> bool {
    is_word(text, b"_-.@") && !["cli_", "oc_", "ou_", "on_"].iter().any(|prefix| text.starts_with(prefix))
}

/// 1 to 64 ASCII letters, digits and some other characters.
fn is_word(text: &str, more: &[u8]) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

/// Whether a text is an absolute `http` or `https` URL: printable ASCII, with a host and without user information.
pub fn is_address(uri: &str) -> bool {
    uri.bytes().all(|byte| byte.is_ascii_graphic()) && host(uri).is_some_and(|host| !host.is_empty())
}

/// The host of an `http` or `https` URL, without port.
pub fn host(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    if authority.contains('@') {
        // User information can make a URL look like that of another host.
        return None;
    }
    if let Some(address) = authority.strip_prefix('[') {
        return address.split(']').next();
    }
    authority.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids() {
        for good in ["a", "4d7a3c6g", "anna.b@example-corp_1", &"x".repeat(64)] {
            assert_eq!(Form::UserId.wrong(good), None, "{good}");
        }
        for bad in ["", "cli_1", "oc_1", "ou_1", "on_1", "a b", "a/b", "user:1", "ä", &"x".repeat(65)] {
            assert!(Form::UserId.wrong(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn document_tokens() {
        assert_eq!(Form::DocumentToken.wrong("doxcnAbC_-1"), None);
        for bad in ["", "a/b", "a?b", "a#b", "a b", &"x".repeat(65)] {
            assert!(Form::DocumentToken.wrong(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn scopes() {
        assert_eq!(Form::Scope.wrong("im:chat"), None);
        let why = Form::Scope.wrong("im:chatt").expect("wrong");
        assert_eq!(why, "unknown scope; did you mean \"im:chat\"?");
        for bad in ["", "im:chat im:tag:read", "a\tb", "x"] {
            assert!(Form::Scope.wrong(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn every_form_has_a_name() {
        for name in ["scope", "user-id", "app-id", "document-token", "http-address", "request-url"] {
            let form = Form::parse(name).expect(name);
            assert!(form.wrong(" ").is_some() && !form.asked().is_empty(), "{name}");
        }
        assert_eq!(Form::parse("uint32"), None);
    }
}
