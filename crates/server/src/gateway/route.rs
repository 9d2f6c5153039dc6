//! Step 1: finds the operation of a request.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use larkspur_api::{Entry, Shapes};
use larkspur_contract::Method;
use matchit::Router;

use super::platform;
use crate::traffic::redact::names;

/// Every route of a registry.
pub struct Routes {
    tree: Router<[Option<usize>; 5]>,
    all: Vec<Route>,
}

/// One operation of the registry.
pub struct Route {
    /// The operation.
    pub entry: &'static Entry,
    /// Its index among the routes.
    pub index: usize,
    /// The stable number in the troubleshooter link.
    pub method_id: u32,
    /// The names of the parameters in its path, in order.
    names: Vec<&'static str>,
    shapes: OnceLock<Shapes>,
    plain_names: OnceLock<bool>,
}

impl Route {
    /// The shapes of its input, compiled on first use.
    pub fn shapes(&self) -> &Shapes {
        self.shapes.get_or_init(|| self.entry.shapes())
    }

    /// Whether its answers have only names that are known and not those of secrets, found out on first use.
    pub(super) fn has_plain_names(&self) -> bool {
        *self.plain_names.get_or_init(|| names::are_plain(&self.entry.schemas().output))
    }
}

/// A request's route and its path parameters.
pub struct Routed<'r, 'p> {
    /// The route.
    pub route: &'r Route,
    values: matchit::Params<'r, 'p>,
}

impl<'p> Routed<'_, 'p> {
    /// The path parameters, still percent-encoded.
    pub fn params(&self) -> Vec<(&'static str, &'p str)> {
        let values = self.values.iter().map(|(_, value)| value);
        self.route.names.iter().copied().zip(values).collect()
    }
}

/// Paths that the vendor's tools call, that the platform's table lacks, and that a served path with a parameter would
/// match. They are unknown here, never an id. A path that is served is excluded automatically.
const RESERVED: &[&str] = &["/open-apis/contact/v3/users/search", "/open-apis/im/v1/chats/batch_query"];

impl Routes {
    /// The routes of a registry. A path for which the platform has a word where the route has a parameter does not
    /// belong to the route: it is another operation, which Larkspur may not serve. Words win over parameters whatever
    /// the method, as on the platform.
    ///
    /// # Errors
    /// Two operations with the same route, or a path that cannot be matched: a defect of the registry, with the reason.
    pub fn of(registry: &'static [&'static [Entry]]) -> Result<Self, String> {
        let mut all = Vec::new();
        let mut paths: BTreeMap<String, [Option<usize>; 5]> = BTreeMap::new();
        for entry in registry.iter().copied().flatten() {
            let route = entry.spec.route;
            let (path, names) = numbered(route.path);
            let slot = &mut paths.entry(path).or_default()[slot(route.method)];
            if slot.is_some() {
                return Err(format!("{} {} is there twice", route.method.name(), route.path));
            }
            *slot = Some(all.len());
            let method_id = method_id(entry.spec.id);
            all.push(Route {
                entry,
                index: all.len(),
                method_id,
                names,
                shapes: OnceLock::new(),
                plain_names: OnceLock::new(),
            });
        }
        for route in &all {
            for known in platform::under(route.entry.spec.route.path) {
                paths.entry(numbered(known.path).0).or_default();
            }
        }
        for path in RESERVED {
            paths.entry((*path).to_owned()).or_default();
        }
        let mut tree = Router::new();
        for (path, methods) in paths {
            tree.insert(path.as_str(), methods).map_err(|error| format!("{path}: {error}"))?;
        }
        Ok(Routes { tree, all })
    }

    /// The route of a request; a trailing slash is ignored.
    pub fn find<'r, 'p>(&'r self, method: &str, path: &'p str) -> Option<Routed<'r, 'p>> {
        let method = method_of(method)?;
        let found = self.tree.at(without_slash(path)).ok()?;
        let route = self.all.get((*found.value)[slot(method)]?)?;
        Some(Routed { route, values: found.params })
    }

    /// The methods under which a path is served.
    pub(super) fn methods(&self, path: &str) -> impl Iterator<Item = Method> {
        METHODS.into_iter().filter(move |method| self.find(method.name(), path).is_some())
    }

    /// Every route, in the order of the registry.
    pub fn all(&self) -> &[Route] {
        &self.all
    }
}

/// The methods of operations, each at its [`slot`].
pub(super) const METHODS: [Method; 5] =
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

/// The method of this name, if operations use it.
pub(super) fn method_of(name: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.name() == name)
}

/// A path as it is matched.
pub(super) fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

pub(super) fn slot(method: Method) -> usize {
    match method {
        Method::Get => 0,
        Method::Post => 1,
        Method::Put => 2,
        Method::Patch => 3,
        Method::Delete => 4,
    }
}

/// A path with its parameters numbered, so that two operations may name the same parameter differently, and the names.
pub(super) fn numbered(path: &'static str) -> (String, Vec<&'static str>) {
    let mut names = Vec::new();
    let mut text = String::with_capacity(path.len());
    for part in path.split('/').skip(1) {
        text.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                text.push_str(&format!("{{p{}}}", names.len()));
                names.push(name);
            }
            None => text.push_str(part),
        }
    }
    (text, names)
}

/// FNV-1a of the operation's id, folded into six digits that do not start with zero.
fn method_id(id: &str) -> u32 {
    let hash =
        id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    100_000 + hash % 900_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REGISTRY;

    #[test]
    fn finds_by_method_and_path_alone() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        let path = "/open-apis/auth/v3/tenant_access_token/internal";
        assert_eq!(
            routes.find("POST", path).expect("a route").route.entry.spec.id,
            "auth.v3.tenant_access_token.internal"
        );
        assert!(routes.find("POST", &format!("{path}/")).is_some(), "one slash more");
        assert!(routes.find("POST", &format!("{path}//")).is_none(), "two slashes more");
        assert!(routes.find("GET", path).is_none());
        assert!(routes.find("OPTIONS", path).is_none());
        assert!(routes.find("POST", "/open-apis").is_none());
        assert!(routes.find("POST", "").is_none());
    }

    #[test]
    fn every_operation_is_found_under_its_own_path() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        for route in routes.all() {
            let spec = route.entry.spec;
            let path = spec.route.path.replace('{', "x").replace('}', "");
            let found = routes.find(spec.route.method.name(), &path).expect(spec.id);
            assert_eq!(found.route.entry.spec.id, spec.id);
            for (name, value) in found.params() {
                assert_eq!(value, format!("x{name}"), "{}", spec.id);
            }
        }
    }

    #[test]
    fn words_win_over_parameters() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        let parts = |path: &'static str| path.split('/').collect::<Vec<_>>();
        let is_parameter = |part: &str| part.starts_with('{');
        let all: Vec<_> = routes.all().iter().map(|route| parts(route.entry.spec.route.path)).collect();
        let mut met = 0;
        let known = platform::operations().iter().map(|known| known.path).chain(RESERVED.iter().copied());
        for words in all.iter().cloned().chain(known.map(parts)) {
            // The served paths that would match it, if one of its words were a parameter's value.
            let swallow = |other: &&Vec<&str>| {
                let mut pairs = other.iter().zip(&words);
                other.len() == words.len()
                    && pairs.clone().all(|(other, word)| other == word || is_parameter(other))
                    && pairs.any(|(other, word)| is_parameter(other) && !is_parameter(word))
            };
            let path: Vec<String> = words
                .iter()
                .map(|part| if is_parameter(part) { "1".to_owned() } else { (*part).to_owned() })
                .collect();
            let path = path.join("/");
            for other in all.iter().filter(swallow) {
                met += 1;
                for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                    let found = routes.find(method, &path).map(|routed| routed.route.entry.spec.route.path);
                    assert_ne!(found, Some(other.join("/")).as_deref(), "{method} {path}");
                }
            }
        }
        assert!(met > 5, "{met} paths that a parameter could swallow");
    }

    #[test]
    fn what_is_reserved_would_be_swallowed() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        for path in RESERVED {
            let sibling = path.replace("{p0}", "1");
            let (front, _) = sibling.rsplit_once('/').expect("a path");
            let any = ["GET", "POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|method| routes.find(method, &format!("{front}/1")).is_some());
            assert!(any, "{path}");
        }
        let id = |path| routes.find("GET", path).map(|routed| routed.route.entry.spec.id);
        assert_eq!(id("/open-apis/contact/v3/users/batches"), Some("contact.v3.user.get"));
        assert_ne!(id("/open-apis/contact/v3/users/batch"), Some("contact.v3.user.get"));
    }

    #[test]
    fn parameters_are_numbered() {
        let (path, names) = numbered("/a/{one}/b/{two}");
        assert_eq!((path.as_str(), names), ("/a/{p0}/b/{p1}", vec!["one", "two"]));
        assert_eq!(numbered("/a").0, "/a");
    }

    #[test]
    fn method_ids_have_six_digits_and_differ() {
        let routes = Routes::of(REGISTRY).expect("a sound registry");
        let mut seen = std::collections::BTreeSet::new();
        for route in routes.all() {
            assert!((100_000..1_000_000).contains(&route.method_id));
            assert!(seen.insert(route.method_id), "{}", route.entry.spec.id);
        }
    }
}
