//! Feeds made-up cards to their rules. An input is JSON. Nothing may panic; every form for readers is JSON; what was accepted is
//! rendered.
#![no_main]

use larkspur_api::rules::card::render::{Inputs, action_of, plain, render};
use larkspur_api::rules::card::{self, CardForm, entity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(input) = str::from_utf8(input) else { return };
    let checked = card::check(input);
    let Ok(json) = serde_json::from_str::<serde_json::Value>(input) else {
        assert!(checked.is_err());
        return;
    };
    for form in [CardForm::Default, CardForm::User, CardForm::Raw] {
        assert!(serde_json::from_str::<serde_json::Value>(&card::shown(input, form)).is_ok());
    }
    let _ = plain(&render(&json, "en_us"));
    let _ = action_of(&json, "en_us", "body[0]", &Inputs::default());
    if entity::check(&json).is_ok() {
        let mut changed = json;
        let _ = entity::add(&mut changed, "append", "", serde_json::json!([{"tag": "hr"}]));
        let _ = entity::patch(&mut changed, "a", serde_json::json!({"content": "x"}));
        let _ = entity::delete(&mut changed, "a");
        let _ = entity::check(&changed);
    }
});
