//! The platform's operations, as its official SDKs name them, and the answer if Larkspur does not serve one.
//!
//! They are searched after the routes of the registry, and only if those do not match: served operations pay nothing
//! for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Instant;

use larkspur_contract::{Method, codes, envelope};
use matchit::Router;

use super::Ended;
use super::lines::{Line, unknown, unserved};
use super::reply::JSON;
use super::route::{METHODS, method_of, numbered, slot, without_slash};
use super::who::Who;
use crate::App;
use crate::call_id::CallId;
use crate::request::{Request, Response};

/// Path, method and id of each operation, sorted; `cargo xtask platform-operations` writes it.
const TABLE: &str = include_str!("platform.tsv");

/// An operation of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its id, such as `im.v1.message.create`; unique.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, with the names of parameters in braces.
    pub path: &'static str,
}

/// Every operation of the platform, sorted by path.
pub fn operations() -> &'static [Known] {
    static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| TABLE.lines().filter_map(read).collect());
    &KNOWN
}

/// The SDKs that the operations are from, with their versions.
pub fn source() -> &'static str {
    TABLE.lines().nth(1).unwrap_or_default().trim_start_matches(['#', ' ']).trim_end_matches('.')
}

fn read(line: &'static str) -> Option<Known> {
    let mut columns = line.split('\t');
    let path = columns.next().filter(|path| path.starts_with('/'))?;
    Some(Known { path, method: method_of(columns.next()?)?, id: columns.next()? })
}

/// The operations at a path, by method.
type Methods = [Option<&'static Known>; METHODS.len()];

fn tree() -> &'static Router<Methods> {
    static TREE: LazyLock<Router<Methods>> = LazyLock::new(|| {
        let mut paths: BTreeMap<String, Methods> = BTreeMap::new();
        for known in operations() {
            paths.entry(numbered(known.path).0).or_default()[slot(known.method)] = Some(known);
        }
        let mut tree = Router::new();
        for (path, methods) in paths {
            // A path that cannot be inserted is skipped; a test checks that there is none.
            let _ = tree.insert(path, methods);
        }
        tree
    });
    &TREE
}

/// The platform's operations at a path.
fn at(path: &str) -> impl Iterator<Item = &'static Known> {
    let found = tree().at(without_slash(path)).map(|found| *found.value);
    found.into_iter().flatten().flatten()
}

/// The platform's operations at a path that Larkspur does not serve.
fn unserved_at(app: &App, path: &str) -> impl Iterator<Item = &'static Known> {
    // A pattern matches itself as a path. A served operation with a parameter in place of a word is not at this path.
    at(path).filter(|known| app.routes.find(known.method.name(), known.path).is_none())
}

/// The platform's operations that have a word where a route has a parameter.
pub(super) fn under(route: &'static str) -> impl Iterator<Item = &'static Known> {
    let literal = route.find('{').map_or(route, |at| &route[..at]);
    let first = operations().partition_point(|known| known.path < literal);
    let near = operations()[first..].iter().take_while(move |known| known.path.starts_with(literal));
    near.filter(move |known| is_under(known.path, route))
}

/// Whether every path of a pattern also matches another, wider pattern.
fn is_under(narrow: &str, wide: &str) -> bool {
    let is_parameter = |part: &str| part.starts_with('{');
    let mut words = 0;
    let fits = narrow.split('/').zip(wide.split('/')).all(|(own, other)| {
        words += usize::from(is_parameter(other) && !is_parameter(own));
        own == other || is_parameter(other)
    });
    fits && words > 0 && narrow.split('/').count() == wide.split('/').count()
}

/// Answers a request that matches no operation of the registry.
pub(super) fn answer(app: &App, request: &Request<'_>, id: CallId, now: i64, began: Instant) -> Ended {
    let known = unserved_at(app, request.path).find(|known| known.method.name() == request.method);
    let line = Line::of(
        &id,
        Who::of(&app.engine.keys, None, request.header("authorization"), None),
        began.elapsed(),
    );
    let Some(known) = known else {
        app.metrics.unrouted();
        unknown(line, request.method, request.path, &methods(app, request.path));
        let response = Response { id: Some(id), ..Response::text(404, "404 page not found") };
        return Ended { response, spec: None, operation: None, code: None, fault: None };
    };
    unserved(line.answering(known.id, codes::UNSERVED.number), app.metrics.unserved(known.id, now));
    let body = envelope::unserved(known.id, known.method.name(), known.path, id.log_id());
    let doubtful = Some(false);
    let response = Response { id: Some(id), doubtful, ..Response::plain(codes::UNSERVED.status, JSON, body) };
    let code = Some(codes::UNSERVED.number);
    Ended { response, spec: None, operation: Some(known.id), code, fault: None }
}

/// The methods of a path, served or not, for the log.
fn methods(app: &App, path: &str) -> String {
    let served = app.routes.methods(path);
    let names: Vec<&str> =
        served.chain(unserved_at(app, path).map(|known| known.method)).map(Method::name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::REGISTRY;
    use crate::gateway::route::Routes;

    #[test]
    fn every_line_of_the_table_is_an_operation_that_is_found() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.clone().count(), operations().len());
        assert!(lines.is_sorted(), "sorted");
        assert!(operations().len() > 1600);
        let ids: BTreeSet<&str> = operations().iter().map(|known| known.id).collect();
        assert_eq!(ids.len(), operations().len(), "no id is there twice");
        for known in operations() {
            let path = known.path.replace('{', "x").replace('}', "");
            assert!(at(&path).any(|found| found == known), "{}", known.id);
            assert!(known.path.starts_with("/open-apis/"), "{}", known.path);
        }
        assert!(source().contains("lark-oapi 1.") && source().contains("@larksuiteoapi/node-sdk 1."));
    }

    #[test]
    fn words_win_over_parameters() {
        let id = |path: &str| at(path).find(|known| known.method == Method::Get).map(|known| known.id);
        assert_eq!(id("/open-apis/contact/v3/users/ou_1"), Some("contact.v3.user.get"));
        assert_eq!(
            id("/open-apis/contact/v3/users/find_by_department"),
            Some("contact.v3.user.find_by_department")
        );
        assert_eq!(id("/open-apis/contact/v3/users/"), Some("contact.v3.user.list"));
        assert_eq!(id("/open-apis/contact/v3/users//"), None);
        for (narrow, wide, is) in [
            ("/a/b", "/a/{x}", true),
            ("/a/{y}", "/a/{x}", false),
            ("/a/b/c", "/a/{x}", false),
            ("/a/b/{y}", "/a/{x}/{y}", true),
            ("/a/{x}/c", "/a/b/{y}", false),
            ("/a/b", "/a/b", false),
        ] {
            assert_eq!(is_under(narrow, wide), is, "{narrow} {wide}");
        }
    }

    /// The pattern of a served operation matches no path of another platform operation.
    #[test]
    fn what_is_served_takes_no_other_operations_path() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        let mut served = 0;
        for known in operations() {
            let path = known.path.replace('{', "x").replace('}', "");
            if let Some(found) = routes.find(known.method.name(), &path) {
                let own = numbered(found.route.entry.spec.route.path).0;
                assert_eq!(own, numbered(known.path).0, "{} takes {}", found.route.entry.spec.id, known.id);
                served += 1;
            }
        }
        assert!(served > 50, "{served}");
        let under: Vec<&str> = under("/open-apis/contact/v3/users/{user_id}").map(|known| known.id).collect();
        assert!(
            under.contains(&"contact.v3.user.batch") && !under.contains(&"contact.v3.user.get"),
            "{under:?}"
        );
    }
}
