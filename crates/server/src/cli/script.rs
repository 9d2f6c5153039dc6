//! A conversation in a file, for `larkspur play`.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// How long a message is awaited, in milliseconds, if the step does not say.
const WITHIN_MS: u64 = 5_000;

/// A conversation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// The chat_id, or the app_id of a bot.
    pub(super) chat: Option<String>,
    /// Who speaks if a step does not say.
    #[serde(rename = "as")]
    pub(super) user: Option<String>,
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
}

/// A step: one of `say`, `hear`, `click` and `react`, and what belongs to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// The text that a user says.
    pub(super) say: Option<String>,
    /// What a bot is to say.
    pub(super) hear: Option<Wanted>,
    /// The element of a card that a user uses: of the card heard last, otherwise of the newest one.
    pub(super) click: Option<String>,
    /// The emoji with which a user reacts to what was heard last.
    pub(super) react: Option<String>,
    /// The user.
    #[serde(rename = "as")]
    pub(super) user: Option<String>,
    /// Of `say`: who is mentioned first.
    pub(super) at: Vec<String>,
    /// Of `say`: whether it replies in a thread, to what was heard last or else to what was said last.
    pub(super) in_thread: bool,
    /// Of `click`: more of the request, such as `option`, `input` and `form`.
    pub(super) with: Option<Map<String, Value>>,
    /// Of `click`: the text of the toast that the user is to see.
    pub(super) toast: Option<String>,
    /// Of `click`: the code that the client is to show.
    pub(super) code: Option<u64>,
}

/// What a bot is to say: a part of it, or more.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Wanted {
    /// A part of the text.
    Part(String),
    /// Everything about it.
    Whole(Hear),
}

/// What a bot is to say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hear {
    /// The whole text.
    text: Option<String>,
    /// A part of the text, or of the lines of a card.
    contains: Option<String>,
    /// The type of the message.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The bot, by app_id or name.
    pub(super) from: Option<String>,
    /// Whether no such message is to come.
    pub(super) nothing: bool,
    /// How long it is awaited, in milliseconds.
    pub(super) within_ms: u64,
}

impl Default for Hear {
    fn default() -> Self {
        let (text, contains, kind, from, nothing) = (None, None, None, None, false);
        Hear { text, contains, kind, from, nothing, within_ms: WITHIN_MS }
    }
}

impl Script {
    /// Reads a file: YAML, of which JSON is a part.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let script: Script = serde_saphyr::from_str(text).map_err(|error| {
            // The first line says what and where; the others repeat the place in the file.
            let whole = error.to_string();
            let line = whole.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        })?;
        for (index, step) in script.steps.iter().enumerate() {
            let kinds = [step.say.is_some(), step.hear.is_some(), step.click.is_some(), step.react.is_some()];
            if kinds.into_iter().filter(|kind| *kind).count() != 1 {
                return Err(format!("step {} has not one of say, hear, click and react", index + 1));
            }
        }
        Ok(script)
    }
}

impl Wanted {
    /// All that is wanted.
    pub(super) fn whole(&self) -> Hear {
        match self {
            Wanted::Part(part) => Hear { contains: Some(part.clone()), ..Hear::default() },
            Wanted::Whole(whole) => whole.clone(),
        }
    }
}

impl Hear {
    /// Whether a message of this type with these words is the one.
    pub(super) fn fits(&self, kind: &str, words: &str) -> bool {
        self.text.as_deref().is_none_or(|text| words == text)
            && self.contains.as_deref().is_none_or(|part| words.contains(part))
            && self.kind.as_deref().is_none_or(|wanted| kind == wanted)
    }
}

impl fmt::Display for Hear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named =
            [("text", &self.text), ("contains", &self.contains), ("type", &self.kind), ("from", &self.from)];
        let named =
            named.into_iter().filter_map(|(name, value)| Some(format!("{name} {:?}", value.as_ref()?)));
        let named: Vec<String> = named.collect();
        f.write_str(&if named.is_empty() { "any message of a bot".to_owned() } else { named.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json() {
        let yaml = "as: ada\nsteps:\n  - say: deploy?\n    at: [Demo]\n  - hear: Release\n  - click: approve\n    as: ben\n    with: {form: {why: yes please}}\n    toast: Done\n  - hear: {type: text, text: Approved, within_ms: 200}\n";
        let script = Script::read(yaml).expect("read");
        assert_eq!((script.user.as_deref(), script.steps.len()), (Some("ada"), 4));
        assert_eq!(script.steps[0].at, ["Demo"]);
        assert!(script.steps[1].hear.as_ref().expect("hear").whole().fits("interactive", "== Release 7?"));
        assert_eq!(script.steps[2].with.as_ref().expect("with")["form"]["why"], "yes please");
        let last = script.steps[3].hear.as_ref().expect("hear").whole();
        assert!(
            last.fits("text", "Approved")
                && !last.fits("post", "Approved")
                && !last.fits("text", "Approved.")
        );
        assert_eq!((last.within_ms, last.to_string().as_str()), (200, "text \"Approved\", type \"text\""));
        assert!(Script::read(r#"{"steps":[{"say":"hi"}]}"#).is_ok());
    }

    #[test]
    fn what_is_not_a_conversation() {
        for (text, part) in [
            ("steps:\n  - say: a\n    hear: b\n", "step 1"),
            ("steps:\n  - as: ada\n", "step 1"),
            ("steps:\n  - shout: a\n", "shout"),
            ("steps: 1\n", ""),
            ("", ""),
        ] {
            let why = Script::read(text).expect_err(text);
            assert!(why.contains(part), "{why}");
        }
    }
}
