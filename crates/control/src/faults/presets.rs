//! Rules that are ready-made, each after an outage or a defect that clients had.

use larkspur_contract::codes;
use serde_json::{Value, json};

use super::Given;

/// A ready-made rule.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    rule: fn() -> Value,
}

/// All of them.
pub const ALL: &[Preset] = &[
    Preset {
        name: "token-dropped",
        shows: "the token is refused (99991663) in three calls",
        rule: || json!({"match": {"token": ["tenant", "user"]}, "effect": {"refuse": {"code": codes::TOKEN_INVALID.number}}, "times": 3}),
    },
    Preset {
        name: "token-stale-retry",
        shows: "the token is refused twice in a row: the retry of the client fails, too",
        rule: || json!({"match": {"token": ["tenant", "user"]}, "effect": {"refuse": {"code": codes::TOKEN_INVALID.number}}, "times": 2}),
    },
    Preset {
        name: "rate-limited",
        shows: "calls are over the rate limit: 99991400 with HTTP 429 and a reset after 7 s",
        rule: || json!({"effect": {"refuse": {"code": codes::RATE_LIMITED.number, "status": 429, "reset_s": 7}}, "times": 3}),
    },
    Preset {
        name: "rate-limited-old",
        shows: "the same with HTTP 400, as older pages have it",
        rule: || json!({"effect": {"refuse": {"code": codes::RATE_LIMITED.number, "status": 400, "reset_s": 7}}, "times": 3}),
    },
    Preset {
        name: "quota-spent",
        shows: "the calls of the month are used up: 99991403, for ever",
        rule: || json!({"effect": {"refuse": {"code": codes::QUOTA_SPENT.number}}}),
    },
    Preset {
        name: "hook-limited",
        shows: "custom bots are limited: 11232 with HTTP 200 in two of three messages",
        rule: || {
            let hook = "bot.v2.hook.*";
            json!({"match": {"operation": hook}, "effect": {"refuse": {"code": codes::HOOK_TOO_OFTEN.number}}, "probability": 0.667})
        },
    },
    Preset {
        name: "answer-lost",
        shows: "a message is sent and the answer is lost, once: a retry with the same uuid must not send another one",
        rule: || {
            let create = "im.v1.message.create";
            json!({"match": {"operation": create}, "effect": {"cut": {"when": "after"}}, "times": 1})
        },
    },
    Preset {
        name: "scope-gone",
        shows: "a scope was taken away: 99991672 with the scopes of which one is needed",
        rule: || json!({"match": {"token": "tenant"}, "effect": {"refuse": {"code": codes::SCOPE_MISSING.number}}}),
    },
    Preset {
        name: "ws-busy",
        shows: "long connections are not given an address: 1000040343, three times",
        rule: || {
            let endpoint = "callback.ws.endpoint";
            json!({"match": {"operation": endpoint}, "effect": {"refuse": {"code": codes::CONNECTION_FAILED.number}}, "times": 3})
        },
    },
    Preset {
        name: "ws-flap",
        shows: "a long connection ends after 5 s, each time",
        rule: || json!({"effect": {"disconnect": {"after_ms": 5000, "how": "abrupt"}}}),
    },
    Preset {
        name: "delivered-twice",
        shows: "an event is delivered twice with the same event_id, once: a bot must handle it once",
        rule: || json!({"effect": {"repeat": {}}, "times": 1}),
    },
    Preset {
        name: "card-late",
        shows: "the answer of a bot to a click comes after 3 s: the user sees 200341",
        rule: || json!({"match": {"event_type": "card.action.trigger"}, "effect": {"delay": {"ms": 3100}}}),
    },
    Preset {
        name: "sign-in-denied",
        shows: "the next user who signs in denies the app: error=access_denied in place of a code",
        rule: || {
            let decide = "authen.v1.authorize.decide";
            json!({"match": {"operation": decide}, "effect": {"sign_in": {"result": "denied"}}, "times": 1})
        },
    },
    Preset {
        name: "sign-in-wrong-state",
        shows: "the next sign-in comes back with a state that the app did not send: it must be refused",
        rule: || {
            let decide = "authen.v1.authorize.decide";
            json!({"match": {"operation": decide}, "effect": {"sign_in": {"result": "wrong_state"}}, "times": 1})
        },
    },
    Preset {
        name: "edge-502",
        shows: "a proxy answers HTTP 502 with a page, three times",
        rule: || {
            let body = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
            json!({"effect": {"answer": {"status": 502, "media": "text/html", "body": body}}, "times": 3})
        },
    },
    Preset {
        name: "slow-3s",
        shows: "calls take 2.5 s to 3.5 s longer",
        rule: || json!({"effect": {"delay": {"ms": 3000, "jitter_ms": 500}}}),
    },
];

/// The members of a preset; `None` if there is none with this name.
pub fn find(name: &str) -> Option<Given> {
    let preset = ALL.iter().find(|preset| preset.name == name)?;
    let given: Given = serde_json::from_value((preset.rule)()).ok()?;
    Some(Given { name: Some(preset.name.to_owned()), ..given })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_rule() {
        for preset in ALL {
            let found = find(preset.name).expect(preset.name);
            assert_eq!(found.effect.expect(preset.name).count(), 1, "{}", preset.name);
        }
        assert!(find("token").is_none());
    }
}
