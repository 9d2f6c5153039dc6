//! Commands and scripts.

use std::fmt::Write as _;

use serde_json::Value;

use super::{body, quoted, target, variable};
use crate::traffic::Entry;

/// A text in single quotes for a shell. Variables of `without_secrets` are left to the shell.
fn shell(text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', r"'\''"));
    quoted.replace("$APP_SECRET", "'\"$APP_SECRET\"'")
}

pub(super) fn curl(calls: &[Entry], base: &str) -> String {
    let mut out = format!("#!/bin/sh\nBASE_URL=${{BASE_URL:-{base}}}\n");
    for call in calls {
        let _ = write!(out, "\ncurl -sS -X {} \"$BASE_URL\"{}", call.row.method, shell(&target(call)));
        if let Some(name) = variable(call) {
            let _ = write!(out, " \\\n  -H \"Authorization: Bearer ${name}\"");
        }
        match body(call) {
            Some(Value::String(text)) => {
                let _ = write!(
                    out,
                    " \\\n  -H {} \\\n  -d {}",
                    shell(&format!("Content-Type: {}", call.request.media)),
                    shell(&text)
                );
            }
            Some(json) => {
                let _ = write!(
                    out,
                    " \\\n  -H 'Content-Type: application/json' \\\n  -d {}",
                    shell(&json.to_string())
                );
            }
            None => {}
        }
        out.push('\n');
    }
    out
}

pub(super) fn larkspur(calls: &[Entry]) -> String {
    let mut out = "#!/bin/sh\n".to_owned();
    for call in calls {
        // Requests for long connections have a name, but are no operations.
        let named = call.row.operation.filter(|operation| !operation.starts_with("callback."));
        let Some(operation) = named else {
            let _ =
                writeln!(out, "# {} {}: no operation has this path", call.row.method, shell(&call.row.path));
            continue;
        };
        let _ = write!(out, "larkspur call {operation}");
        for (name, value) in parameters(call) {
            let _ = write!(out, " --path {}", shell(&format!("{name}={value}")));
        }
        for (name, value) in call.query() {
            let _ = write!(out, " --query {}", shell(&format!("{name}={value}")));
        }
        if let Some(json) = body(call) {
            let _ = write!(out, " --body {}", shell(&json.to_string()));
        }
        if let Some(name @ "LARKSPUR_USER_TOKEN") = variable(call) {
            let _ = write!(out, " --token \"${name}\"");
        }
        out.push('\n');
    }
    out
}

/// The path parameters of a call, from the route of its operation.
fn parameters(call: &Entry) -> Vec<(&'static str, String)> {
    let all = larkspur_api::PLATFORM.iter().copied().flatten().chain(crate::ENTRIES);
    let spec = all.map(|entry| entry.spec).find(|spec| Some(spec.id) == call.row.operation);
    let Some(spec) = spec else { return Vec::new() };
    let pairs = spec.route.path.split('/').zip(call.row.path.split('/'));
    pairs
        .filter_map(|(name, value)| Some((name.strip_prefix('{')?.strip_suffix('}')?, value.to_owned())))
        .collect()
}

/// JSON as a Python literal.
pub(super) fn python_value(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) if text == "$APP_SECRET" => "os.environ[\"APP_SECRET\"]".to_owned(),
        Value::Array(list) => format!("[{}]", list.iter().map(python_value).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let members =
                map.iter().map(|(name, value)| format!("{}: {}", quoted(name), python_value(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The head of a Python file: a client, and a function that calls any operation.
pub(super) fn python_head(base: &str) -> String {
    format!(
        r#"import json
import os

import lark_oapi as lark

client = (
    lark.Client.builder()
    .app_id(os.environ["APP_ID"])
    .app_secret(os.environ["APP_SECRET"])
    .domain(os.environ.get("BASE_URL", {base}))
    .build()
)


def call(method, uri, queries=(), body=None, user=False):
    kind = lark.AccessTokenType.USER if user else lark.AccessTokenType.TENANT
    request = lark.BaseRequest.builder().http_method(lark.HttpMethod[method]).uri(uri).token_types({{kind}})
    request = request.queries(list(queries))
    if body is not None:
        request = request.body(body)
    if user:
        option = lark.RequestOption.builder().user_access_token(os.environ["LARKSPUR_USER_TOKEN"]).build()
        return json.loads(client.request(request.build(), option).raw.content)
    return json.loads(client.request(request.build()).raw.content)
"#,
        base = quoted(base)
    )
}

/// A call of `call` in a Python file.
pub(super) fn python_call(call: &Entry) -> String {
    let mut text = format!("call({}, {}", quoted(&call.row.method), quoted(&call.row.path));
    let queries = call.query();
    if !queries.is_empty() {
        let pairs = queries.iter().map(|(name, value)| format!("({}, {})", quoted(name), quoted(value)));
        let _ = write!(text, ", queries=[{}]", pairs.collect::<Vec<_>>().join(", "));
    }
    if let Some(json) = body(call) {
        let _ = write!(text, ", body={}", python_value(&json));
    }
    if call.row.token == "user" {
        text.push_str(", user=True");
    }
    text.push(')');
    text
}

pub(super) fn python(calls: &[Entry], base: &str) -> String {
    let mut out = python_head(base);
    out.push_str("\n\n");
    for call in calls {
        let _ = writeln!(out, "print({})", python_call(call));
    }
    out
}

/// The head of a JavaScript module. `variable` is the one with the base URL of the server.
pub(super) fn node_head(base: &str, variable: &str) -> String {
    format!(
        r#"import * as lark from "@larksuiteoapi/node-sdk";

const client = new lark.Client({{
  appId: process.env.APP_ID,
  appSecret: process.env.APP_SECRET,
  domain: process.env.{variable} ?? {base},
}});

async function call(method, url, params = {{}}, data = undefined, user = false) {{
  const options = user ? lark.withUserAccessToken(process.env.LARKSPUR_USER_TOKEN) : undefined;
  try {{
    return await client.request({{ method, url, params, data }}, options);
  }} catch (error) {{
    if (!error.response) throw error;
    return error.response.data;
  }}
}}
"#,
        base = quoted(base)
    )
}

/// A call of `call` in a JavaScript module.
pub(super) fn node_call(call: &Entry) -> String {
    let params =
        call.query().into_iter().map(|(name, value)| format!("{}: {}", quoted(&name), quoted(&value)));
    let params = params.collect::<Vec<_>>().join(", ");
    let data = body(call).map_or_else(|| "undefined".to_owned(), |json| json.to_string());
    let data = data.replace("\"$APP_SECRET\"", "process.env.APP_SECRET");
    let user = if call.row.token == "user" { ", true" } else { "" };
    let (method, path) = (quoted(&call.row.method), quoted(&call.row.path));
    format!("await call({method}, {path}, {{{params}}}, {data}{user})")
}

pub(super) fn node(calls: &[Entry], base: &str) -> String {
    let mut out = node_head(base, "BASE_URL");
    out.push('\n');
    for call in calls {
        let _ = writeln!(out, "console.log({});", node_call(call));
    }
    out
}

pub(super) fn go(calls: &[Entry], base: &str) -> String {
    let mut out = format!(
        r#"package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	lark "github.com/larksuite/oapi-sdk-go/v3"
	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
)

var client = lark.NewClient(os.Getenv("APP_ID"), os.Getenv("APP_SECRET"), lark.WithOpenBaseUrl(base()))

func base() string {{
	if url := os.Getenv("BASE_URL"); url != "" {{
		return url
	}}
	return {base}
}}

func call(method, path, query, body string, user bool) {{
	values, _ := url.ParseQuery(query)
	params := larkcore.QueryParams{{}}
	for name, all := range values {{
		params[name] = all
	}}
	request := &larkcore.ApiReq{{HttpMethod: method, ApiPath: path, QueryParams: params}}
	if body != "" {{
		request.Body = json.RawMessage(os.ExpandEnv(body))
	}}
	request.SupportedAccessTokenTypes = []larkcore.AccessTokenType{{larkcore.AccessTokenTypeTenant}}
	options := []larkcore.RequestOptionFunc{{}}
	if user {{
		request.SupportedAccessTokenTypes = []larkcore.AccessTokenType{{larkcore.AccessTokenTypeUser}}
		options = append(options, larkcore.WithUserAccessToken(os.Getenv("LARKSPUR_USER_TOKEN")))
	}}
	response, err := client.Do(context.Background(), request, options...)
	if err != nil {{
		panic(err)
	}}
	fmt.Println(string(response.RawBody))
}}

func main() {{
"#,
        base = quoted(base)
    );
    for call in calls {
        let json = body(call).map(|json| json.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "\tcall({}, {}, {}, {}, {})",
            quoted(&call.row.method),
            quoted(&call.row.path),
            quoted(&call.request.query),
            quoted(&json),
            call.row.token == "user"
        );
    }
    out.push_str("}\n");
    out
}
