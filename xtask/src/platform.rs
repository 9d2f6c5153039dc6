//! The table of the platform's operations, as its official SDKs name them: paths that are known even if Larkspur does
//! not serve them.

use crate::run::{self, Outcome};
use crate::tools;

/// The table: path, method and id of each, sorted.
const FILE: &str = "crates/server/src/gateway/platform.tsv";

/// Writes the table from the SDKs that the client tests install, or, with `check`, fails if it would change. Both need
/// a network unless the SDKs are installed, so this is not a step of `cargo xtask ci`.
pub(crate) fn run(check: bool) -> Outcome {
    let python = tools::python()?;
    tools::node()?;
    let find = "import importlib.util as u; print(u.find_spec('lark_oapi').submodule_search_locations[0])";
    let package = run::output(&python, &["-c", find])?;
    let script = "xtask/platform_operations.py";
    let node = "tests/clients/node/node_modules/@larksuiteoapi/node-sdk";
    let fresh = run::output(&python, &[script, package.trim(), node])?;
    let path = run::root().join(FILE);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == fresh {
        return Ok(());
    }
    if check {
        return Err(format!(
            "{FILE} would change; run `cargo xtask platform-operations` and commit the result"
        ));
    }
    std::fs::write(&path, &fresh).map_err(|error| format!("{}: {error}", path.display()))?;
    let gone = kept.lines().filter(|line| !fresh.lines().any(|other| other == *line)).count();
    let new = fresh.lines().filter(|line| !kept.lines().any(|other| other == *line)).count();
    println!("written: {FILE} ({new} new lines, {gone} gone); run `cargo xtask generate`");
    Ok(())
}
