//! Settings from environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

use larkspur_contract::nearest::distance;

use super::ConfigError;
use super::layers::shouted;

/// The prefix of the variables that are read here.
const FRONT: &str = "LARKSPUR_";
/// A variable that is not a setting but differs from one by at most this many letters is a typo. Four-letter names have
/// too many such neighbors.
fn slip(setting: &str) -> usize {
    if setting.len() > 4 { 2 } else { 1 }
}

/// The settings from the environment.
#[derive(Default)]
pub(super) struct Given {
    /// The settings file.
    pub(super) file: Option<PathBuf>,
    /// Settings by name: the value, and the variable's name.
    pub(super) settings: Vec<(String, String, String)>,
    /// Harmless oddities.
    pub(super) warnings: Vec<String>,
}

/// Whether Kubernetes sets this variable in every pod beside a service called larkspur.
fn of_others(short: &str) -> bool {
    short.starts_with("SERVICE_") || short == "PORT" || short.starts_with("PORT_")
}

/// Reads the variables that begin with `LARKSPUR_`.
pub(super) fn read(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    known: &[String],
) -> Result<Given, ConfigError> {
    let (mut given, mut unknown) = (Given::default(), Vec::new());
    for (name, value) in environment {
        if !name.as_encoded_bytes().starts_with(FRONT.as_bytes()) {
            continue;
        }
        let shown = name.to_string_lossy().into_owned();
        let odd = |what: &str| {
            ConfigError(format!(
                "the {what} of the environment variable {shown} is not UTF-8: change it, or unset it"
            ))
        };
        let name = name.into_string().map_err(|_| odd("name"))?;
        let short = name.strip_prefix(FRONT).unwrap_or_default();
        if of_others(short) {
            continue;
        }
        let key = known.iter().find(|key| shouted(key) == short);
        if key.is_none() && short != "CONFIG" {
            let names = known.iter().map(|key| shouted(key)).chain(["CONFIG".to_owned()]);
            let near = names.map(|setting| (distance(short, &setting), setting));
            let slips = near.filter(|(letters, setting)| *letters <= slip(setting));
            if let Some((_, meant)) = slips.min_by_key(|(letters, _)| *letters) {
                return Err(ConfigError(format!(
                    "the environment variable {name} is not a setting; did you mean {FRONT}{meant}?"
                )));
            }
            unknown.push(name);
            continue;
        }
        let value = value.into_string().map_err(|_| odd("value"))?;
        match key {
            Some(key) => given.settings.push((key.clone(), value, name)),
            None => given.file = Some(value.into()),
        }
    }
    if !unknown.is_empty() {
        unknown.sort();
        given.warnings.push(format!(
            "unknown environment variables: {}; `larkspur config` prints all settings",
            unknown.join(", ")
        ));
    }
    Ok(given)
}
