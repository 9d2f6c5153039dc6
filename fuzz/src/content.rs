//! Feeds made-up content to the rules of messages. An input is the type of a message in a line, then its content. Nothing
//! may panic, and what is stored of a rich text is stored unchanged when it is sent again.
#![no_main]

use larkspur_api::rules::content;
use larkspur_contract::codes;
use larkspur_contract::model::MsgType;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(input) = str::from_utf8(input) else { return };
    let (word, text) = input.split_once('\n').unwrap_or(("post", input));
    let _ = content::preview(word, text);
    let Some(kind) = MsgType::parse(word) else { return };
    let Ok(parsed) = content::parse(kind, text) else { return };
    let _ = (parsed.ids(), parsed.mentions_all(), parsed.resources());
    let Ok(stored) = parsed.stored(&|_| None) else { return };
    let _ = content::preview(word, &stored.content);
    if kind != MsgType::Post {
        return;
    }
    match content::parse(kind, &stored.content) {
        Ok(again) => {
            let again = again.stored(&|_| None).map(|again| again.content);
            assert_eq!(again.ok().as_ref(), Some(&stored.content));
        }
        Err(fault) => assert_eq!(fault.code(), codes::MESSAGE_TOO_LONG),
    }
});
