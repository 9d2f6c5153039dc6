//! Response bodies: compact JSON with `data` on every success and on no failure (auth/v3 excepted).

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Fault, FieldViolation, Permission, Reply, codes};

/// The two editions of the platform: only texts and hosts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Brand {
    /// open.feishu.cn: Chinese texts beside the English ones.
    #[default]
    Feishu,
    /// open.larksuite.com: English only.
    Lark,
}

impl Brand {
    fn open_host(self) -> &'static str {
        match self {
            Brand::Feishu => "https://open.feishu.cn",
            Brand::Lark => "https://open.larksuite.com",
        }
    }

    fn troubleshooter(self, log_id: &str, code: u32, method_id: u32) -> String {
        let label = match self {
            Brand::Feishu => "排查建议查看(Troubleshooting suggestions)",
            Brand::Lark => "Troubleshooting suggestions",
        };
        let host = self.open_host();
        format!("{label}: {host}/search?from=openapi&log_id={log_id}&code={code}&method_id={method_id}")
    }
}

/// Writes a success response around data that is already JSON.
///
/// `data` must be a JSON object. Flat replies carry its members beside `code` and `msg`.
pub fn success(reply: Reply, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 48);
    match reply {
        Reply::Bytes | Reply::Events | Reply::Page => out.extend_from_slice(data),
        Reply::OAuth => {
            out.extend_from_slice(br#"{"code":0"#);
            match data {
                [b'{', members @ ..] if members != b"}" => {
                    out.push(b',');
                    out.extend_from_slice(members);
                }
                _ => out.push(b'}'),
            }
        }
        Reply::Hook => out.extend_from_slice(
            br#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#,
        ),
        Reply::Data(msg) => {
            out.extend_from_slice(br#"{"code":0,"msg":""#);
            out.extend_from_slice(msg.as_bytes());
            out.extend_from_slice(br#"","data":"#);
            out.extend_from_slice(data);
            out.push(b'}');
        }
        Reply::FlatAuth(msg) | Reply::Flat(msg) => {
            out.extend_from_slice(br#"{"code":0,"msg":""#);
            out.extend_from_slice(msg.as_bytes());
            out.push(b'"');
            match data {
                [b'{', b'}'] => out.push(b'}'),
                [b'{', members @ ..] => {
                    out.push(b',');
                    out.extend_from_slice(members);
                }
                _ => out.push(b'}'),
            }
        }
    }
    out
}

#[derive(Serialize)]
struct Failure<'a> {
    code: u32,
    msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'static, str>>,
    log_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    troubleshooter: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    permission_violations: &'a [Permission],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    field_violations: &'a [FieldViolation],
    #[serde(skip_serializing_if = "Option::is_none")]
    helps: Option<Value>,
}

/// What the body of a failure says in addition to the fault.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Texts and hosts.
    pub brand: Brand,
    /// The log id of the request, the same as in the `X-Tt-Logid` header.
    pub log_id: &'a str,
    /// A stable number of the operation.
    pub method_id: u32,
    /// The calling app, if it is known.
    pub app_id: Option<&'a str>,
    /// The id of an operation of Larkspur's own API, which is also the name of its section in the guide. Its refusals
    /// link to the guide, because the platform's documents do not cover it.
    pub own: Option<&'a str>,
}

/// Its members are in the order of live answers.
#[derive(Serialize)]
struct HookFailure<'a> {
    code: u32,
    data: Value,
    msg: &'a str,
}

#[derive(Serialize)]
struct OAuthFailure<'a> {
    code: u32,
    error: &'static str,
    error_description: &'a str,
}

/// Writes a failure as JSON. A failure of [`Reply::Page`] is an HTML page, which this function does not write.
pub fn failure(reply: Reply, fault: &Fault, context: Context<'_>) -> Vec<u8> {
    let code = fault.code();
    if reply == Reply::OAuth {
        let body = OAuthFailure {
            code: code.number,
            error: codes::oauth_error(code),
            error_description: fault.text(),
        };
        return serde_json::to_vec(&body).unwrap_or_default();
    }
    if reply == Reply::Hook {
        let body = HookFailure { code: code.number, data: json!({}), msg: fault.text() };
        return serde_json::to_vec(&body).unwrap_or_default();
    }
    let body = if matches!(reply, Reply::FlatAuth(_)) && code.status == 200 {
        Failure { code: code.number, msg: fault.message().into_owned(), data: Some(json!({})), error: None }
    } else {
        let (msg, helps) = match context.own {
            Some(operation) => (fault.text().to_owned(), Some(own_help(operation))),
            None => scope_texts(fault, context),
        };
        let (log_id, method_id) = (context.log_id, context.method_id);
        let details = Details {
            message: match context.own {
                Some(operation) => Some(format!("See {}", guide(operation)).into()),
                None => (code.number == codes::TOKEN_INVALID.number).then_some(
                    "Refer to the documentation to fix the error: https://open.feishu.cn/document/uAjLw4CM/ugTN1YjL4UTN24CO1UjN/trouble-shooting/how-to-fix-99991663-error".into(),
                ),
            },
            log_id,
            troubleshooter: context
                .own
                .is_none()
                .then(|| context.brand.troubleshooter(log_id, code.number, method_id)),
            permission_violations: fault.permissions(),
            field_violations: fault.violations(),
            helps,
        };
        Failure { code: code.number, msg, data: None, error: Some(details) }
    };
    serde_json::to_vec(&body).unwrap_or_else(|_| {
        let bare = json!({"code": codes::INTERNAL.number, "msg": codes::INTERNAL.text});
        bare.to_string().into_bytes()
    })
}

#[derive(Serialize)]
struct Unserved<'a> {
    code: u32,
    msg: String,
    error: Logged<'a>,
}

#[derive(Serialize)]
struct Logged<'a> {
    log_id: &'a str,
}

/// Writes the answer for an operation that the platform has and Larkspur does not serve. It does not link to the
/// platform's help, which does not know this refusal.
pub fn unserved(operation: &str, method: &str, path: &str, log_id: &str) -> Vec<u8> {
    let msg = codes::unserved_text(operation, method, path);
    let body = Unserved { code: codes::UNSERVED.number, msg, error: Logged { log_id } };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The section of the guide on an operation of Larkspur's own API: a path on this server.
pub fn guide(operation: &str) -> String {
    format!("/larkspur/guide/control-api.md#{}", operation.replace('.', ""))
}

fn own_help(operation: &str) -> Value {
    let description = format!(
        "{operation}: its fields, their values and defaults (docs/guide/control-api.md in the repository)"
    );
    json!([{"url": guide(operation), "description": description}])
}

/// Message and `helps` of a fault. Those of a scope refusal name the scopes; every other message is unchanged.
///
/// On open.feishu.cn a full stop and the Chinese text follow, and apps also get the URL of their console. On
/// open.larksuite.com the message ends with the list. Source: live answers of 2026, and the manual's page on 99991679.
fn scope_texts(fault: &Fault, context: Context<'_>) -> (String, Option<Value>) {
    if fault.permissions().is_empty() {
        return (fault.message().into_owned(), None);
    }
    let subjects: Vec<&str> = fault.permissions().iter().map(|permission| permission.subject).collect();
    let (spaced, plain) = (subjects.join(", "), subjects.join(","));
    let mut msg = format!("{}[{spaced}]", fault.text());
    let chinese = context.brand == Brand::Feishu;
    if fault.code().number != codes::SCOPE_MISSING.number {
        if chinese {
            msg.push_str(&format!(".应用未获取所需的用户授权：[{spaced}]"));
        }
        return (msg, None);
    }
    let app_id = context.app_id.unwrap_or_default();
    let url = format!(
        "{}/app/{app_id}/auth?q={plain}&op_from=openapi&token_type=tenant",
        context.brand.open_host()
    );
    if chinese {
        msg.push_str(&format!(
            ".应用尚未开通所需的应用身份权限：[{spaced}]，点击链接申请并开通任一权限即可：{url}"
        ));
    }
    let helps = json!([{
        "url": url,
        "description": format!("Learn more about scopes and how to add them: [{spaced}]"),
    }]);
    (msg, Some(helps))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Context<'static> = Context {
        brand: Brand::Lark,
        log_id: "L",
        method_id: 7,
        app_id: Some("cli_0000000000000001"),
        own: None,
    };

    #[test]
    fn success_bodies() {
        assert_eq!(success(Reply::Data("ok"), b"{}"), br#"{"code":0,"msg":"ok","data":{}}"#);
        assert_eq!(success(Reply::Flat("ok"), b"{}"), br#"{"code":0,"msg":"ok"}"#);
        assert_eq!(success(Reply::Flat("ok"), br#"{"bot":{}}"#), br#"{"code":0,"msg":"ok","bot":{}}"#);
    }

    #[test]
    fn oauth_bodies() {
        assert_eq!(success(Reply::OAuth, br#"{"a":1}"#), br#"{"code":0,"a":1}"#);
        assert_eq!(success(Reply::OAuth, b"{}"), br#"{"code":0}"#);
        let body = failure(Reply::OAuth, &Fault::from(codes::OAUTH_PKCE), CONTEXT);
        assert_eq!(
            body,
            br#"{"code":20049,"error":"invalid_grant","error_description":"PKCE code challenge failed."}"#
        );
    }

    #[test]
    fn auth_failures_are_flat_with_empty_data() {
        let body = failure(Reply::FlatAuth("ok"), &Fault::from(codes::AUTH_PARAM_INVALID), CONTEXT);
        assert_eq!(body, br#"{"code":10003,"msg":"invalid param","data":{}}"#);
    }

    #[test]
    fn a_hook_answers_in_both_shapes_at_once_and_fails_without_details() {
        assert_eq!(
            success(Reply::Hook, b"{}"),
            br#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#
        );
        let body = failure(Reply::Hook, &Fault::from(codes::BAD_REQUEST).with_cause("no cause"), CONTEXT);
        assert_eq!(body, br#"{"code":9499,"data":{},"msg":"Bad Request"}"#);
    }

    #[test]
    fn an_unserved_operation_is_named() {
        assert_eq!(
            String::from_utf8(unserved("a.v1.b.get", "GET", "/open-apis/a/v1/b/{id}", "L")).expect("text"),
            r#"{"code":5275501,"msg":"Larkspur does not serve a.v1.b.get (GET /open-apis/a/v1/b/{id})","error":{"log_id":"L"}}"#
        );
    }

    #[test]
    fn refusals_of_the_control_api_link_to_its_own_guide() {
        let fault = Fault::from(codes::CONTROL_PARAM_INVALID).with_violation("scope", None, "no such field");
        let own = Context { own: Some("larkspur.v1.chat.member_put"), ..CONTEXT };
        let body = failure(Reply::Data("success"), &fault, own);
        let error = serde_json::from_slice::<Value>(&body).expect("JSON")["error"].clone();
        let address = "/larkspur/guide/control-api.md#larkspurv1chatmember_put";
        assert_eq!(error["helps"][0]["url"], address);
        assert_eq!(error["message"], format!("See {address}"));
        assert!(error.get("troubleshooter").is_none() && !error.to_string().contains("open."), "{error}");
        assert_eq!(
            (&error["log_id"], &error["field_violations"][0]["field"]),
            (&json!("L"), &json!("scope"))
        );
    }

    #[test]
    fn scope_refusals_name_the_scopes() {
        let wrote = |code, kind, brand| -> Value {
            let permissions = ["bitable:app", "im:chat"].map(|subject| Permission { kind, subject });
            let fault = Fault::from(code).with_permissions(permissions.to_vec());
            serde_json::from_slice(&failure(Reply::Data("ok"), &fault, Context { brand, ..CONTEXT }))
                .expect("JSON")
        };
        let app = |brand| wrote(codes::SCOPE_MISSING, "action_scope_required", brand);
        let user = |brand| wrote(codes::USER_SCOPE_MISSING, "action_privilege_required", brand);
        let asked = "auth?q=bitable:app,im:chat&op_from=openapi&token_type=tenant";
        let body = app(Brand::Lark);
        assert_eq!(
            body["msg"],
            "Access denied. One of the following scopes is required: [bitable:app, im:chat]"
        );
        assert_eq!(body["error"]["permission_violations"][0]["subject"], "bitable:app");
        let console = format!("https://open.larksuite.com/app/cli_0000000000000001/{asked}");
        assert_eq!(body["error"]["helps"][0]["url"], console);
        assert!(body.get("data").is_none());
        let console = format!("https://open.feishu.cn/app/cli_0000000000000001/{asked}");
        assert_eq!(
            app(Brand::Feishu)["msg"],
            format!(
                "Access denied. One of the following scopes is required: [bitable:app, im:chat].应用尚未开通所需的应用身份权限：[bitable:app, im:chat]，点击链接申请并开通任一权限即可：{console}"
            )
        );
        let newest = "Unauthorized. You do not have permission to perform the requested operation on the resource. Please request user re-authorization and try again. required one of these privileges under the user identity: [bitable:app, im:chat]";
        assert_eq!(user(Brand::Lark)["msg"], newest);
        assert_eq!(
            user(Brand::Feishu)["msg"],
            format!("{newest}.应用未获取所需的用户授权：[bitable:app, im:chat]")
        );
        assert!(user(Brand::Lark)["error"].get("helps").is_none());
    }
}
