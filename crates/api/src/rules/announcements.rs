//! The old announcement of a chat: who may edit it, on which revision, and the effect of an edit.

use larkspur_contract::model::{AnnouncementType, Permission};
use larkspur_contract::{Fault, codes};
use larkspur_store::announcements::Announcement;
use larkspur_store::chats::Chat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::standing::{Standing, set_chat};

/// How far an edit may be behind the latest revision. Source: the update page.
pub const BEHIND_MAX: i64 = 100;
/// The most bytes of a document's JSON. Assumed: a bound that announcements written by people do not reach.
pub const CONTENT_MAX: usize = 1 << 20;

/// A document of the old format: a title and blocks, whose content is stored as sent.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    title: Value,
    body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
struct Body {
    blocks: Vec<Value>,
}

/// Whether the chat has an announcement: 232003 if not.
pub fn exists(announcement: &Announcement) -> Result<(), Fault> {
    if announcement.kind == AnnouncementType::Absent {
        return Err(Fault::new(codes::ANNOUNCEMENT_NOT_FOUND, "the chat has no announcement"));
    }
    Ok(())
}

/// Whether the old operations serve this announcement: 232003 if there is none, 232097 if it has the new format.
pub fn is_old(announcement: &Announcement) -> Result<(), Fault> {
    exists(announcement)?;
    if announcement.kind == AnnouncementType::Docx {
        return Err(Fault::new(codes::ANNOUNCEMENT_IS_DOCX, "the announcement is of type docx"));
    }
    Ok(())
}

/// Whether the operator may access the announcement's document: 232066 if it is locked and the operator is not a
/// manager.
pub fn may_open(announcement: &Announcement, standing: &Standing) -> Result<(), Fault> {
    if !announcement.locked || standing.manages() {
        return Ok(());
    }
    Err(Fault::new(codes::NO_ANNOUNCEMENT_DOC_PERMISSION, "the announcement's document is locked")
        .by_rule("announcement_locked")
        .with_fact("announcement_locked", "true")
        .with_fact("standing", standing.role.name()))
}

/// Whether the operator may edit the chat's information: all members, or owner, managers and the creator bot.
pub fn may_edit(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    let everybody = chat.settings.edit_permission == Permission::AllMembers;
    if everybody || standing.manages() || standing.creator {
        return Ok(());
    }
    Err(Fault::new(codes::EDIT_NEEDS_MANAGER, "only owner and managers edit this chat")
        .by_rule("edit_permission")
        .with_fact("edit_permission", "only_owner")
        .with_fact("standing", standing.role.name())
        .with_fix(set_chat(chat, json!({"settings": {"edit_permission": "all_members"}}))))
}

/// Whether an edit may be based on a revision: a decimal number, at most the latest and at most 100 older.
pub fn revision_fits(asked: &str, latest: i64) -> Result<(), Fault> {
    let digits = !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { asked.parse::<i64>().ok() } else { None };
    let number = number.ok_or_else(|| {
        Fault::new(codes::PARAM_INVALID, "the revision is not a number").with_violation(
            "revision",
            Some(asked),
            "must be a decimal int64",
        )
    })?;
    if number > latest || latest - number > BEHIND_MAX {
        let note = format!("revision {number} is newer than the latest, {latest}, or too old");
        return Err(Fault::new(codes::ANNOUNCEMENT_UPDATE_FAILED, note));
    }
    Ok(())
}

/// The JSON of a document, which is empty until the first edit.
pub fn shown(content: &str) -> String {
    if content.is_empty() { empty().to_string() } else { content.to_owned() }
}

/// The text of a document without its form, a line for the title and for each block that has any.
pub fn plain(content: &str) -> String {
    let document: Value = serde_json::from_str(&shown(content)).unwrap_or_default();
    let blocks = document["body"]["blocks"].as_array().into_iter().flatten();
    let lines = std::iter::once(&document["title"]).chain(blocks).map(|part| {
        let mut line = String::new();
        collect(part, &mut line);
        line
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Adds the texts of all runs in a part of a document.
fn collect(part: &Value, line: &mut String) {
    match part {
        Value::Object(members) => {
            if let Some(text) = members.get("textRun").and_then(|run| run["text"].as_str()) {
                line.push_str(text);
            }
            members.values().for_each(|member| collect(member, line));
        }
        Value::Array(list) => list.iter().for_each(|member| collect(member, line)),
        _ => {}
    }
}

fn empty() -> Value {
    json!({"title": {"elements": []}, "body": {"blocks": []}})
}

/// Applies requests to a document, one after the other: all of them or none.
///
/// As seen in live answers, an announcement takes `InsertBlocksRequestType` and `UpdateTitleRequestType` and refuses
/// the other operations of old documents. Blocks are inserted at the start of the body (`startOfZone`, or `index` 0) or
/// at its end (anything else); positions in between are not supported.
pub fn apply(content: &str, requests: &[String]) -> Result<String, Fault> {
    let failed = |why: String| Fault::new(codes::ANNOUNCEMENT_UPDATE_FAILED, why);
    let mut document: Document = serde_json::from_str(&shown(content))
        .map_err(|error| Fault::new(codes::INTERNAL, format!("a stored announcement: {error}")))?;
    for request in requests {
        apply_one(&mut document, request).map_err(failed)?;
    }
    let text = serde_json::to_string(&document).map_err(|error| failed(error.to_string()))?;
    if text.len() > CONTENT_MAX {
        return Err(failed(format!("the document would have {} bytes", text.len())));
    }
    // JSON that is nested too deeply to be read again must not be stored.
    serde_json::from_str::<Value>(&text).map_err(|error| failed(error.to_string()))?;
    Ok(text)
}

fn apply_one(document: &mut Document, request: &str) -> Result<(), String> {
    let request: Value = serde_json::from_str(request).map_err(|error| format!("a request: {error}"))?;
    match request["requestType"].as_str() {
        Some("InsertBlocksRequestType") => insert_blocks(document, &request["insertBlocksRequest"]),
        Some("UpdateTitleRequestType") => update_title(document, &request["updateTitleRequest"]),
        other => Err(format!("invalid batch_update request type {other:?}")),
    }
}

fn insert_blocks(document: &mut Document, request: &Value) -> Result<(), String> {
    let mut payload = payload(&request["payload"])?;
    let Value::Array(new) = payload["blocks"].take() else {
        return Err("a payload has no blocks".to_owned());
    };
    if new.iter().any(|block| !block["type"].is_string()) {
        return Err("a block has no type".to_owned());
    }
    let location = &request["location"];
    // "0" is the body; other zones are table cells. Some clients send a number.
    let zone = &location["zoneId"];
    if !(zone.is_null() || *zone == "0" || *zone == 0) {
        return Err(format!("unknown zone {zone}"));
    }
    let first = location["startOfZone"] == true || (location["endOfZone"] != true && location["index"] == 0);
    let blocks = &mut document.body.blocks;
    let at = if first { 0 } else { blocks.len() };
    blocks.splice(at..at, new);
    Ok(())
}

fn update_title(document: &mut Document, request: &Value) -> Result<(), String> {
    let title = match &request["title"] {
        Value::Null => payload(&request["payload"])?,
        title => title.clone(),
    };
    if !title["elements"].is_array() {
        return Err("a title has no elements".to_owned());
    }
    document.title = title;
    Ok(())
}

/// A payload is JSON in a string.
fn payload(text: &Value) -> Result<Value, String> {
    let text = text.as_str().ok_or("a request has no payload")?;
    serde_json::from_str(text).map_err(|error| format!("a payload: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paragraph(text: &str) -> Value {
        json!({"type": "paragraph", "paragraph": {"elements": [{"type": "textRun", "textRun": {"text": text, "style": {}}}]}})
    }

    fn insert(text: &str, location: &Value) -> String {
        let payload = json!({"blocks": [paragraph(text)]}).to_string();
        let request = json!({"payload": payload, "location": location});
        json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": request}).to_string()
    }

    fn applied(content: &str, requests: &[String]) -> Value {
        serde_json::from_str(&apply(content, requests).expect("applies")).expect("JSON")
    }

    #[test]
    fn the_text_of_a_document_has_a_line_for_each_block() {
        let content = apply("", &[insert("first", &Value::Null), insert("second", &Value::Null)]);
        assert_eq!(plain(&content.expect("applies")), "first\nsecond");
        let titled = json!({"title": {"elements": [{"type": "textRun", "textRun": {"text": "T"}}]}, "body": {"blocks": []}});
        assert_eq!(plain(&titled.to_string()), "T");
        assert_eq!((plain(""), plain("not JSON")), (String::new(), String::new()));
    }

    #[test]
    fn blocks_are_inserted_at_the_start_or_the_end() {
        let requests = [
            insert("b", &json!({"zoneId": "0", "index": 0, "endOfZone": true})),
            insert("a", &json!({"zoneId": "0", "index": 0})),
            insert("c", &json!({"zoneId": 0, "index": 7})),
            insert("0", &json!({"zoneId": "0", "startOfZone": true})),
            insert("d", &Value::Null),
        ];
        let expected: Vec<Value> = ["0", "a", "b", "c", "d"].map(paragraph).to_vec();
        assert_eq!(applied("", &requests)["body"]["blocks"], json!(expected));
        let one = apply("", &requests[..1]).expect("applies");
        assert_eq!(applied(&one, &requests[1..]), applied("", &requests), "in one edit or in several");
    }

    #[test]
    fn a_title_has_two_spellings() {
        let title = json!({"elements": [{"type": "textRun", "textRun": {"text": "T"}}]});
        for request in [json!({"payload": title.to_string()}), json!({"title": title})] {
            let request = json!({"requestType": "UpdateTitleRequestType", "updateTitleRequest": request});
            assert_eq!(applied("", &[request.to_string()])["title"], title);
        }
    }

    #[test]
    fn an_inapplicable_request_fails_the_edit() {
        let good = insert("a", &Value::Null);
        let typed = |kind: &str| json!({"requestType": kind}).to_string();
        let blocks = |payload: &str| {
            json!({"requestType": "InsertBlocksRequestType", "insertBlocksRequest": {"payload": payload}})
                .to_string()
        };
        let deep =
            format!("{{\"blocks\":[{{\"type\":\"x\",\"x\":{}{}}}]}}", "[".repeat(124), "]".repeat(124));
        for bad in [
            String::new(),
            "[]".to_owned(),
            "{".to_owned(),
            typed("DeleteContentRangeRequestType"),
            typed("InsertBlocksRequestType"),
            typed("UpdateTitleRequestType"),
            blocks("{"),
            blocks("{}"),
            blocks("{\"blocks\":[{}]}"),
            blocks(&deep),
            blocks(&json!({"blocks": [paragraph(&"x".repeat(CONTENT_MAX))]}).to_string()),
            insert("a", &json!({"zoneId": "xr1m"})),
        ] {
            let fault = apply("", &[good.clone(), bad.clone()]).expect_err(&bad);
            assert_eq!(fault.code(), codes::ANNOUNCEMENT_UPDATE_FAILED);
        }
    }

    #[test]
    fn revisions() {
        for (asked, latest) in [("0", 0), ("0", 100), ("12", 12), ("900", 1000), ("0012", 12)] {
            assert!(revision_fits(asked, latest).is_ok(), "{asked} of {latest}");
        }
        for (asked, latest) in [("1", 0), ("0", 101), ("9223372036854775807", 5)] {
            let code = revision_fits(asked, latest).expect_err(asked).code();
            assert_eq!(code, codes::ANNOUNCEMENT_UPDATE_FAILED);
        }
        for asked in ["", "-1", "+1", "1.0", "x", "9223372036854775808", " 1"] {
            assert_eq!(revision_fits(asked, 5).expect_err(asked).code(), codes::PARAM_INVALID);
        }
    }

    proptest! {
        #[test]
        fn any_request_is_judged_without_panic(text in "\\PC*", zone in "\\PC*", index in any::<i64>()) {
            let _ = apply("", std::slice::from_ref(&text));
            let _ = apply("", &[insert(&text, &json!({"zoneId": zone, "index": index}))]);
            let _ = revision_fits(&text, index);
        }
    }
}
