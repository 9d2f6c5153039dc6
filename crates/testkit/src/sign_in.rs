//! The sign-in page, submitted as a browser does it.

use crate::{Lab, Request};

const PAGE: &str = "/open-apis/authen/v1/authorize";

impl Lab {
    /// Opens the sign-in page with these parameters and submits its form with them. If the page refuses, the form is
    /// sent without the page's token. `decision` and `user` are the reader's choices.
    pub async fn answer_page(&self, pairs: &[(&str, &str)]) -> Request {
        let token = self.form_token(pairs).await;
        let own = token.as_deref().map(|token| ("form_token", token));
        self.form(PAGE, &pairs.iter().copied().chain(own).collect::<Vec<_>>())
    }

    /// The token in the page with these parameters; `None` if the page refuses.
    pub async fn form_token(&self, pairs: &[(&str, &str)]) -> Option<String> {
        let page =
            pairs.iter().fold(self.request("GET", PAGE), |page, (name, value)| page.query(name, value));
        let shown = page.send().await;
        let token = shown.text().split("name=\"form_token\" value=\"").nth(1);
        token.and_then(|rest| rest.split('"').next()).map(str::to_owned)
    }

    /// A posted form.
    pub fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Request {
        let escape = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b' ' => "+".to_owned(),
                    byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    byte => format!("%{byte:02X}"),
                })
                .collect()
        };
        let body: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        self.request("POST", path).content_type(Some("application/x-www-form-urlencoded")).raw(body.join("&"))
    }
}
