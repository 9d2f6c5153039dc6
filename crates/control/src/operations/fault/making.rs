//! Rules as clients send them.

use larkspur_api::rules::matcher::Matcher;
use larkspur_contract::nearest::did_you_mean;
use larkspur_contract::{Fault, codes};
use serde_json::{Map, Value};

use crate::faults::{DELAY_MAX_MS, Given, Kind, Rule, presets};
use crate::values;

/// The id that a new rule gets: `f_` and the lowest number that no rule has, from 01 on.
fn free_id(rules: &[Rule]) -> String {
    let ids = (1..=rules.len() + 1).map(|number| format!("f_{number:02}"));
    ids.into_iter().find(|id| rules.iter().all(|rule| rule.id != *id)).unwrap_or_else(|| "f_01".to_owned())
}

/// A new rule from what a client sent. `taken` are the rules that the world keeps.
pub(crate) fn made(at: &str, given: &Given, taken: &[Rule], now: i64) -> Result<Rule, Fault> {
    let given = with_preset(at, given)?;
    let id = given.id.clone().unwrap_or_else(|| free_id(taken));
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    // A path without `.` and `..` leads to every rule.
    if !id.bytes().all(is_known) || id.starts_with('.') {
        let why = "letters, digits, _, - and ., and no . at the start";
        return Err(values::invalid(&format!("{at}id"), Some(&id), why));
    }
    if taken.iter().any(|rule| rule.id == id) {
        return Err(values::invalid(&format!("{at}id"), Some(&id), "another rule has this id"));
    }
    let Some(effect) = given.effect.clone() else {
        return Err(values::invalid(&format!("{at}effect"), None, "required, unless a preset is named"));
    };
    let rule = Rule {
        id,
        name: String::new(),
        r#match: Value::Object(Map::new()),
        effect,
        probability: 1.0,
        seed: 0,
        skip: 0,
        times: None,
        for_s: None,
        enabled: true,
        since_ms: now,
    };
    changed(at, rule, &given, now)
}

/// What a client sent over the preset that it named.
pub(super) fn with_preset(at: &str, given: &Given) -> Result<Given, Fault> {
    let Some(name) = &given.preset else { return Ok(given.clone()) };
    let preset = presets::find(name).ok_or_else(|| {
        let names = presets::ALL.iter().map(|preset| preset.name);
        let near = did_you_mean(name, names.clone());
        let all = names.collect::<Vec<_>>().join(", ");
        values::invalid(&format!("{at}preset"), Some(name), &format!("one of {all}{near}"))
    })?;
    Ok(Given {
        id: given.id.clone(),
        preset: None,
        name: given.name.clone().or(preset.name),
        r#match: given.r#match.clone().or(preset.r#match),
        effect: given.effect.clone().or(preset.effect),
        probability: given.probability.clone().or(preset.probability),
        seed: given.seed.or(preset.seed),
        skip: given.skip.or(preset.skip),
        times: given.times.or(preset.times),
        for_s: given.for_s.or(preset.for_s),
        enabled: given.enabled.or(preset.enabled),
    })
}

/// A rule with the members that a client sent.
pub(super) fn changed(at: &str, mut rule: Rule, given: &Given, now: i64) -> Result<Rule, Fault> {
    if let Some(text) = &given.name {
        rule.name.clone_from(text);
    }
    if let Some(conditions) = &given.r#match {
        rule.r#match.clone_from(conditions);
    }
    if let Some(effect) = &given.effect {
        if effect.count() != 1 {
            return Err(values::invalid(&format!("{at}effect"), None, "exactly one of its members"));
        }
        if let Some(refuse) = &effect.refuse
            && refuse.text.is_none()
            && !codes::ALL.iter().any(|code| i64::from(code.number) == refuse.code)
        {
            let code = refuse.code.to_string();
            let why = "Larkspur does not know this code: add a text to answer it all the same";
            return Err(values::invalid(&format!("{at}effect.refuse.code"), Some(&code), why));
        }
        rule.effect = effect.clone();
    }
    let kind = rule.kind();
    Matcher::parse(&rule.r#match, kind.grammar()).map_err(|wrong| {
        let dot = if wrong.at.is_empty() { "" } else { "." };
        values::invalid(&format!("{at}match{dot}{}", wrong.at), None, &wrong.why)
    })?;
    let longest = i64::try_from(DELAY_MAX_MS).unwrap_or(i64::MAX);
    if let Some(delay) = rule.effect.delay.as_ref().filter(|delay| kind == Kind::Calls && delay.ms > longest)
    {
        let why = format!("a call is delayed by {longest} at most");
        return Err(values::invalid(&format!("{at}effect.delay.ms"), Some(&delay.ms.to_string()), &why));
    }
    rule.probability = share(at, given)?.unwrap_or(rule.probability);
    rule.seed = given.seed.unwrap_or(rule.seed);
    rule.skip = given.skip.unwrap_or(rule.skip);
    rule.times = given.times.or(rule.times);
    if given.for_s.is_some() {
        (rule.for_s, rule.since_ms) = (given.for_s, now);
    }
    rule.enabled = given.enabled.unwrap_or(rule.enabled);
    Ok(rule)
}

/// The probability that a client sent.
pub(super) fn share(at: &str, given: &Given) -> Result<Option<f64>, Fault> {
    let Some(value) = &given.probability else { return Ok(None) };
    let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
    let wrong = || {
        let text = value.to_string();
        values::invalid(&format!("{at}probability"), Some(&text), "a number from 0 to 1")
    };
    share.ok_or_else(wrong).map(Some)
}
