use clap::Args;
use larkspur_api::Entry;
use larkspur_contract::Spec;
use larkspur_contract::nearest::nearest;
use larkspur_control::catalog;
use serde_json::Value;

use super::describe;
use super::terminal::{Part, Screen, bold, dim, plain};
use crate::REGISTRY;

/// Flags of `larkspur operations`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Operation to describe: fields, codes, scopes, rate limits, behaviors
    operation: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    REGISTRY.iter().copied().flatten()
}

/// The ids of all operations.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    entries().map(|entry| entry.spec.id)
}

/// An operation by its id.
///
/// # Errors
/// It does not exist; the text suggests similar ids.
pub(super) fn find(id: &str) -> Result<&'static Entry, String> {
    if let Some(entry) = entries().find(|entry| entry.spec.id == id) {
        return Ok(entry);
    }
    // Most users omit the start of an id.
    let part: Vec<&str> = ids().filter(|known| !id.is_empty() && known.contains(id)).take(6).collect();
    let meant = match part.as_slice() {
        [] => nearest(id, ids()).unwrap_or_default().to_owned(),
        [one, ..] if part.len() > 5 => format!("{one}, or another one with {id} in its name"),
        some => some.join(", "),
    };
    let meant = if meant.is_empty() { meant } else { format!(" did you mean {meant}?") };
    Err(format!("there is no operation {id:?};{meant} `larkspur operations` lists all"))
}

/// Prints the registry, or one operation.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let one = flags.operation.as_deref().map(find).transpose()?;
    if flags.json {
        let value = match one {
            Some(entry) => describe::json(entry),
            None => entries().map(|entry| brief(entry.spec)).collect(),
        };
        let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
        return super::print(&format!("{text}\n"));
    }
    let screen = Screen::standard();
    match one {
        Some(entry) => super::print(&headed(&describe::text(entry, screen.width()), &screen)),
        None => super::print(&table(&screen)),
    }
}

/// A text with its heads in bold: the first line, and those after empty lines.
fn headed(text: &str, screen: &Screen) -> String {
    let mut head = true;
    let parts = text.lines().map(|line| {
        let part = if head { bold(line) } else { plain(line) };
        head = line.is_empty();
        vec![part]
    });
    screen.uncut().lines(&parts.collect::<Vec<_>>())
}

/// An operation's entry in the list: as `larkspur.v1.operation.list` answers it.
pub(super) fn brief(spec: &'static Spec) -> Value {
    serde_json::to_value(catalog::Listed::of(spec)).unwrap_or_default()
}

/// To how many columns the list pads titles.
const TITLES: usize = 40;

/// The list: with all columns if they fit, else without the paths, which an operation's description has. The path is the
/// last column, and titles are padded to [`TITLES`] columns only: few are as long as the longest one.
fn table(screen: &Screen) -> String {
    let longest = |of: fn(&Spec) -> usize| entries().map(|entry| of(entry.spec)).max().unwrap_or_default();
    let (ids, titles) = (longest(|spec| spec.id.len()), longest(|spec| spec.summary.chars().count()));
    let whole = ids + 2 + titles + 9 + longest(|spec| spec.route.path.len());
    let roomy = screen.width().is_none_or(|width| whole <= width);
    let row = |spec: &Spec| -> Vec<Part> {
        match roomy {
            true => {
                let route = dim(format!("  {:6} {}", spec.route.method.name(), spec.route.path));
                vec![plain(format!("{:ids$}  {:TITLES$}", spec.id, spec.summary)), route]
            }
            false => vec![plain(format!("{:ids$}  {}", spec.id, spec.summary))],
        }
    };
    screen.lines(&entries().map(|entry| row(entry.spec)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_answered_with_a_suggestion() {
        let refused = |id| find(id).err().expect("none of them");
        assert!(refused("im.v2.tag.creat").contains("; did you mean im.v2.tag.create?"));
        assert!(refused("im.v2.tga.create").contains("; did you mean im.v2.tag.create?"));
        assert!(refused("tag.create").contains("im.v2.tag.create"));
        assert_eq!(refused("xyzzy"), "there is no operation \"xyzzy\"; `larkspur operations` lists all");
        assert!(refused("im.").contains("or another one with im. in its name"));
        assert!(find("im.v2.tag.create").is_ok());
    }

    #[test]
    fn the_table_fits() {
        for width in [40, 80, 120, 400] {
            let table = table(&Screen::terminal(width).gray());
            assert_eq!(table.lines().count(), ids().count());
            assert!(table.lines().all(|line| line.chars().count() <= width), "{width}");
        }
        let (whole, narrow) = (table(&Screen::PIPE), table(&Screen::terminal(100)));
        assert!(whole.contains("/open-apis/im/v2/tags") && !whole.contains('…'));
        assert!(narrow.contains("im.v2.tag.create ") && !narrow.contains("/open-apis/"));
    }
}
