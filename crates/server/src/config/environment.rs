//! What the variables of the process say.

use std::ffi::OsString;
use std::path::PathBuf;

use larkspur_contract::nearest::distance;

use super::ConfigError;
use super::layers::shouted;

/// The front of the variables that are read here.
const FRONT: &str = "LARKSPUR_";
/// A variable that is no setting and differs from one by so many letters is a slip. Of names of four letters, too many others
/// are that near.
fn slip(setting: &str) -> usize {
    if setting.len() > 4 { 2 } else { 1 }
}

/// What the environment gives.
#[derive(Default)]
pub(super) struct Given {
    /// The file of settings.
    pub(super) file: Option<PathBuf>,
    /// Settings by name: the value, and the variable that it stands in.
    pub(super) settings: Vec<(String, String, String)>,
    /// What is odd and no hindrance.
    pub(super) warnings: Vec<String>,
}

/// What Kubernetes sets in every pod beside a service called larkspur.
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
