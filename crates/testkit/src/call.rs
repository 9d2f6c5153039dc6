//! A request to be sent, and its reply.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use larkspur_server::Response;
use serde_json::Value;

use crate::Lab;

/// A request to be sent.
#[derive(Clone)]
pub struct Request {
    lab: Lab,
    method: String,
    path: String,
    query: Vec<String>,
    authorization: Option<String>,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    pub(crate) fn new(lab: Lab, method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request {
            lab,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            authorization: None,
            content_type: Some("application/json; charset=utf-8".to_owned()),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// The lab that it is sent to.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The same request, to another server on the same store.
    #[must_use]
    pub fn of(self, lab: &Lab) -> Self {
        Request { lab: lab.clone(), ..self }
    }

    /// With a bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.authorization(&format!("Bearer {token}"))
    }

    /// With this `Authorization` header, unchanged.
    #[must_use]
    pub fn authorization(mut self, header: &str) -> Self {
        self.authorization = Some(header.to_owned());
        self
    }

    /// Without credentials.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        self.authorization = None;
        self
    }

    /// With a query parameter. Names and values in tests need no escaping except for blanks and ampersands.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let escaped = value.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace(' ', "%20");
        self.query.push(format!("{name}={escaped}"));
        self
    }

    /// With a JSON body.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
    pub fn body(self, body: Value) -> Self {
        self.raw(body.to_string())
    }

    /// With these bytes as body.
    #[must_use]
    pub fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With this `Content-Type`, or none.
    #[must_use]
    pub fn content_type(mut self, content_type: Option<&str>) -> Self {
        self.content_type = content_type.map(str::to_owned);
        self
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a multipart body of text fields and one file.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)], file: (&str, &[u8])) -> Self {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part =
                format!("--BOUNDARY\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--BOUNDARY\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n",
            file.0
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file.1);
        body.extend_from_slice(b"\r\n--BOUNDARY--\r\n");
        self.raw(body).content_type(Some("multipart/form-data; boundary=BOUNDARY"))
    }

    /// The parts, for sending the request to another server: method, path with query, token, and JSON body.
    pub fn parts(&self) -> (String, String, String, Value) {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query.join("&")) };
        let token = self.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        let body = if self.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&self.body).unwrap_or_default()
        };
        (self.method.clone(), format!("{}{query}", self.path), token.unwrap_or_default().to_owned(), body)
    }

    /// Its `Content-Type` and its body, as they are sent.
    pub fn content(&self) -> (&str, &[u8]) {
        (self.content_type.as_deref().unwrap_or_default(), &self.body)
    }

    /// Sends it.
    pub async fn send(self) -> Reply {
        let mut body = self.body.clone();
        let query = self.query.join("&");
        let own = [("authorization", &self.authorization), ("content-type", &self.content_type)];
        let own = own.into_iter().filter_map(|(name, value)| value.as_deref().map(|value| (name, value)));
        let more = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> = own.chain(more).chain([("host", "localhost")]).collect();
        let request = larkspur_server::Request {
            method: &self.method,
            path: &self.path,
            query: &query,
            headers: &headers,
            // As for a server behind a proxy on its machine: tests name other addresses in X-Forwarded-For.
            peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            body: &mut body,
        };
        let label = format!("{} {}?{query}", self.method, self.path);
        // A server that does not answer fails the test, instead of hanging it.
        let response = tokio::time::timeout(Duration::from_secs(60), self.lab.app.handle(request)).await;
        Reply { response: response.unwrap_or_else(|_| panic!("{label}: no answer in a minute")), label }
    }
}

/// A reply. A test that ignores one would not see that its call was refused.
#[must_use = "say what is answered: `data()` for a success, `refused(code)` for a refusal"]
#[derive(Debug)]
pub struct Reply {
    /// The whole response.
    pub response: Response,
    label: String,
}

impl Reply {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        self.response.body.bytes()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or("(not text)")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.bytes())
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.label, self.text()))
    }

    /// The `code` of the body.
    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap_or_else(|| panic!("{}: no code: {}", self.label, self.text()))
    }

    /// The `data` of a success; anything else fails the test and shows the whole answer.
    #[track_caller]
    pub fn data(&self) -> Value {
        let json = self.json();
        assert!(self.status() == 200 && json["code"] == 0, "{}: {} {json}", self.label, self.status());
        assert!(json["data"].is_object(), "{}: a success has data: {json}", self.label);
        json["data"].clone()
    }

    /// Asserts that this is a refusal with this code, in the form of a refusal.
    #[track_caller]
    pub fn refused(&self, code: u32) -> Value {
        let json = self.json();
        assert_eq!(json["code"], code, "{}: {} {json}", self.label, self.status());
        let known: Vec<u16> = larkspur_contract::codes::ALL
            .iter()
            .filter(|known| known.number == code)
            .map(|known| known.status)
            .collect();
        assert!(known.contains(&self.status()), "{}: status {} for {code}", self.label, self.status());
        if self.status() != 200 {
            assert!(json.get("data").is_none(), "{}: a failure has no data: {json}", self.label);
            assert!(json["error"]["log_id"].is_string(), "{}: a failure has a log_id: {json}", self.label);
            // Links of the control API lead to Larkspur's own documents.
            let own = self.label.contains(" /larkspur/");
            let way = if own { &json["error"]["helps"][0]["url"] } else { &json["error"]["troubleshooter"] };
            assert!(way.is_string(), "{}: {json}", self.label);
        }
        json
    }

    /// The fields that a refusal names.
    pub fn violated(&self) -> Vec<String> {
        let json = self.json();
        let violations = json["error"]["field_violations"].as_array().cloned().unwrap_or_default();
        violations.iter().map(|one| one["field"].as_str().expect("a field").to_owned()).collect()
    }
}
