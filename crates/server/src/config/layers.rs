//! Merges sources of settings, and names every mistake.

use larkspur_contract::nearest::nearest;
use toml::{Table, Value};

use super::{ConfigError, DEFAULTS, try_read};

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        other => format!("of type {}", other.type_str()),
    }
}

/// Every setting by its full name, such as `behaviours.tag_owner`.
pub(super) fn names(defaults: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in defaults {
        match value {
            Value::Table(inner) => names.extend(inner.keys().map(|name| format!("{key}.{name}"))),
            _ => names.push(key.clone()),
        }
    }
    names
}

pub(super) fn shouted(key: &str) -> String {
    key.replace('.', "_").to_ascii_uppercase()
}

pub(super) fn dashed(key: &str) -> String {
    key.replace(['.', '_'], "-")
}

/// Whether a value is secret.
pub(super) fn is_secret(key: &str) -> bool {
    matches!(key, "control_key" | "store")
}

pub(super) fn merge(
    base: &mut Table,
    over: Table,
    prefix: &str,
    known: &[String],
    source: &str,
) -> Result<(), ConfigError> {
    for (key, value) in over {
        let name = format!("{prefix}{key}");
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => {
                merge(inner, over, &format!("{name}."), known, source)?;
            }
            (Some(Value::Table(_)), _) => {
                return Err(ConfigError(format!("{source}: {name} is a table: write [{name}]")));
            }
            (Some(place), value) => {
                *place = value;
                let text = if is_secret(&name) { "not usable".to_owned() } else { shown(place) };
                let key = key.as_str();
                check(prefix, key, place)
                    .map_err(|why| ConfigError(format!("{source}: {name} is {text}: {why}")))?;
            }
            (None, _) => {
                let meant = match nearest(&name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "`larkspur config` prints all settings".to_owned(),
                };
                return Err(ConfigError(format!("{source}: {name} is not a setting; {meant}")));
            }
        }
    }
    Ok(())
}

/// Whether a value is valid alone, with default settings otherwise.
fn check(prefix: &str, key: &str, value: &Value) -> Result<(), String> {
    let mut table = DEFAULTS.parse::<Table>().map_err(|error| error.to_string())?;
    let place = match prefix.strip_suffix('.') {
        Some(outer) => table.get_mut(outer).and_then(Value::as_table_mut),
        None => Some(&mut table),
    };
    if let Some(place) = place {
        place.insert(key.to_owned(), value.clone());
    }
    try_read(&table).map(drop)
}

/// Sets a setting from a text, parsed as the type of its default.
pub(super) fn set(table: &mut Table, defaults: &Table, key: &str, text: &str) -> Result<(), String> {
    let (place, default, name) = match key.split_once('.') {
        Some((outer, name)) => {
            let default = defaults.get(outer).and_then(|table| table.get(name));
            (table.get_mut(outer).and_then(Value::as_table_mut), default, name)
        }
        None => (Some(table), defaults.get(key), key),
    };
    let (Some(place), Some(default)) = (place, default) else {
        return Err(format!("{key} is not a setting"));
    };
    let value = match default {
        Value::Boolean(_) => match text {
            "true" | "1" | "yes" | "on" => Value::Boolean(true),
            "false" | "0" | "no" | "off" | "" => Value::Boolean(false),
            _ => return Err(format!("{text:?} is not true or false")),
        },
        Value::Integer(_) => {
            Value::Integer(text.parse().map_err(|_| format!("{text:?} is not a whole number"))?)
        }
        _ => Value::String(text.to_owned()),
    };
    place.insert(name.to_owned(), value);
    Ok(())
}
