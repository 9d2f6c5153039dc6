//! Rules for the code: no dead files, short functions and files, allowed dependencies between folders, and banned
//! phrases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use larkspur_testkit::source::{Source, files, has_word, root, rust, shown};

/// The product's sources, and the project's own commands.
fn product() -> Vec<Source> {
    sources(|path| path.starts_with("xtask/") || in_src(path) && !is_kit(path))
}

/// All Rust sources of the workspace to which a rule applies.
fn sources(wanted: impl Fn(&str) -> bool) -> Vec<Source> {
    ["crates", "xtask/src"].iter().flat_map(|folder| rust(folder)).filter(|one| wanted(&one.path)).collect()
}

fn in_src(path: &str) -> bool {
    path.split('/').nth(2) == Some("src")
}

/// The sources that measure and test the product.
fn is_kit(path: &str) -> bool {
    path.starts_with("crates/testkit/") || path.starts_with("crates/bench/")
}

/// The root files of packages.
fn crate_roots() -> Vec<PathBuf> {
    let all = files("crates", &["rs"]).into_iter().chain(files("xtask/src", &["rs"]));
    all.filter(|path| {
        let path = shown(path);
        let parts: Vec<&str> = path.split('/').collect();
        matches!(
            parts[..],
            ["crates", _, "build.rs"]
                | ["crates", _, "src", "lib.rs" | "main.rs"]
                | ["xtask", "src", "main.rs"]
                | ["crates", _, "tests" | "benches" | "examples", _]
                | ["crates", _, "tests" | "benches" | "examples", _, "main.rs"]
        )
    })
    .collect()
}

/// The files of a file's modules.
fn modules(file: &Path, is_root: bool) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let folder = file.parent().expect("a folder");
    let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    let mut inside = if is_root || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
    // The inline modules that contain the current line, by indentation.
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let (before, named) = line.trim().rsplit_once("mod ").unwrap_or_default();
        let is_module = before.is_empty() || before.starts_with("pub");
        if let Some(name) = named.strip_suffix(" {").filter(|_| is_module) {
            inside.push(name);
            open.push(indent);
        } else if let Some(name) = named.strip_suffix(';').filter(|_| is_module) {
            let places = [inside.join(format!("{name}.rs")), inside.join(name).join("mod.rs")];
            found.extend(places.into_iter().find(|place| place.is_file()));
        } else if line.trim() == "}" && open.last() == Some(&indent) {
            open.pop();
            inside.pop();
        }
    }
    found
}

#[test]
fn every_file_is_compiled() {
    let mut reached = BTreeSet::new();
    let mut next: Vec<(PathBuf, bool)> = crate_roots().into_iter().map(|path| (path, true)).collect();
    assert!(next.len() > 8, "{next:?}");
    while let Some((file, is_root)) = next.pop() {
        next.extend(modules(&file, is_root).into_iter().map(|file| (file, false)));
        reached.insert(file);
    }
    let all = files("crates", &["rs"]).into_iter().chain(files("xtask/src", &["rs"]));
    let dead: Vec<String> = all.filter(|path| !reached.contains(path)).map(|path| shown(&path)).collect();
    assert!(dead.is_empty(), "no `mod` names these files: {dead:#?}");
}

/// The functions of a source, with their number of lines.
fn functions(source: &Source) -> Vec<(String, usize)> {
    // A bracket in a character literal closes nothing.
    let brackets = ["'{'", "'}'", "'('", "')'", "'['", "']'"];
    let code = brackets.iter().fold(source.code.clone(), |code, bracket| code.replace(bracket, "' '"));
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let named = code[at + 3..].chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !named || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let (mut depth, mut nested) = (0_usize, 0_usize);
        for (length, character) in code[at..].char_indices() {
            match character {
                '(' | '[' => nested += 1,
                ')' | ']' => nested -= 1,
                '{' => depth += 1,
                // A declaration without a body.
                ';' if depth == 0 && nested == 0 => break,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        found.push((name, code[at..=at + length].lines().count()));
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found
}

const LONGEST_FUNCTION: usize = 70;

#[test]
fn functions_stay_short() {
    let mut long = Vec::new();
    let mut count = 0;
    for source in product() {
        for (name, lines) in functions(&source) {
            count += 1;
            if lines > LONGEST_FUNCTION {
                long.push(format!("{}: {name} has {lines} lines", source.path));
            }
        }
    }
    assert!(count > 1000, "only {count} functions found");
    assert!(long.is_empty(), "{LONGEST_FUNCTION} lines at most: {long:#?}");
}

#[test]
fn functions_are_measured() {
    let text = "fn a() -> [u8; 2] {\n    if x == '}' {\n        // }\n        \"}\"\n    }\n}\ntrait T {\n    fn b(&self);\n    fn c() {}\n}\ntype F = fn (u8);";
    let found = functions(&Source::parse("a.rs", text));
    assert_eq!(found, [("a".to_owned(), 6), ("c".to_owned(), 1)]);
}

/// A longer operation hides a rule; any other longer file hides two.
#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for source in sources(|_| true) {
        let is_operation = source.path.contains("/src/operations/");
        let limit = if is_operation { 200 } else { 600 };
        if source.lines > limit {
            long.push(format!("{}: {} lines, {limit} at most", source.path, source.lines));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

/// A folder, and what its code must not name: modules of its crate, and words. The `invariants` test covers the arrows
/// between crates.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    // Rules are pure: they use no transaction and no call.
    ("crates/api/src/rules", &["operations", "call", "entry"], &["Tx", "Root", "async"]),
    ("crates/server/src/gateway", &["cli", "delivery", "http"], &[]),
    ("crates/server/src/delivery", &["cli", "gateway", "http", "documents"], &[]),
    ("crates/server/src/documents", &["cli", "delivery", "http"], &[]),
    ("crates/server/src/logs", &["cli", "delivery", "gateway", "http"], &[]),
    // The model must not rely on the product.
    ("crates/testkit/src/model", &["lab", "world"], &["larkspur_api", "larkspur_server", "larkspur_store"]),
];

/// Whether a source names a module of its crate, alone or in a list.
fn names_module(source: &Source, module: &str) -> bool {
    let lists = source.code.split("crate::{").skip(1).map(|rest| rest.split(';').next().unwrap_or_default());
    has_word(&source.code, &format!("crate::{module}"))
        || lists.into_iter().any(|list| has_word(list, module))
}

#[test]
fn arrows_between_folders_go_one_way() {
    for (folder, modules, words) in ARROWS {
        for source in rust(folder) {
            let module = modules.iter().find(|module| names_module(&source, module));
            let word = words.iter().find(|word| source.names(word));
            assert!(module.or(word).is_none(), "{} names {:?}", source.path, module.or(word));
        }
    }
    let source = Source::parse("a.rs", "use crate::{a, b::c};\nuse crate::d;");
    assert!(names_module(&source, "b") && names_module(&source, "d") && !names_module(&source, "c::d"));
}

/// Banned phrases. Say what happened, and to what.
const PHRASES: &[&str] =
    &["nobody", "somebody", "whoever", "passed over", "stands twice", "goes by", "has met"];

/// How often they may still occur, by kind of text. These five are in comments of released migrations, which stay as they
/// are. The number may only shrink.
const REMAINING: &[(&str, usize)] = &[("product", 5)];

/// The kind of a file, by its path; `None` for this file and the style guide, which list the phrases.
fn kind(path: &str) -> Option<&'static str> {
    if path.ends_with("source/house_rules.rs") || path == "docs/STYLE.md" {
        return None;
    }
    if path.starts_with("docs/") || path.ends_with(".md") {
        return Some("documents");
    }
    let is_test = path.starts_with("tests/")
        || path.starts_with("crates/") && (is_kit(path) || path.split('/').nth(2) != Some("src"));
    Some(if is_test { "tests" } else { "product" })
}

/// The number of phrases in a text, including names of functions and across line breaks.
fn occurrences(text: &str) -> usize {
    let lines =
        text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!', '#', '-', '>']).trim());
    let joined = lines.collect::<Vec<_>>().join(" ").replace('_', " ").to_lowercase();
    let is_part = |character: char| character.is_alphanumeric();
    let count = |phrase: &str| {
        let found = joined.match_indices(phrase);
        found
            .filter(|(at, _)| {
                !joined[..*at].ends_with(is_part) && !joined[at + phrase.len()..].starts_with(is_part)
            })
            .count()
    };
    PHRASES.iter().map(|phrase| count(phrase)).sum()
}

/// The lines of a text that a merge with conflicts leaves behind.
fn unmerged(text: &str) -> Vec<usize> {
    let marks = ["<".repeat(7), ">".repeat(7)];
    let is_mark = |line: &str| marks.iter().any(|mark| line.starts_with(mark.as_str()));
    text.lines().zip(1..).filter(|(line, _)| is_mark(line)).map(|(_, number)| number).collect()
}

#[test]
fn every_merge_is_done() {
    let extensions = [
        "rs", "md", "py", "mjs", "js", "css", "html", "toml", "lock", "sql", "txt", "tsv", "json", "sh",
        "yml", "yaml",
    ];
    let left: Vec<String> = files(".", &extensions)
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            unmerged(&text).into_iter().map(|line| format!("{}:{line}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(left.is_empty(), "conflicts of a merge: {left:#?}");
    assert_eq!(
        unmerged(&format!("a\n{} HEAD\nb\n=======\nc\n{} other\n", "<".repeat(7), ">".repeat(7))),
        [2, 6]
    );
}

#[test]
fn odd_phrases_become_fewer() {
    let extensions = ["rs", "md", "py", "mjs", "js", "html", "toml", "sql", "txt", "sh", "yml", "yaml"];
    let mut found: BTreeMap<&str, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    for path in files(".", &extensions) {
        let path = PathBuf::from(path.to_string_lossy().replace("/./", "/"));
        let (shown, text) = (shown(&path), fs::read_to_string(&path).unwrap_or_default());
        let (Some(kind), count @ 1..) = (kind(&shown), occurrences(&text)) else { continue };
        let entry = found.entry(kind).or_default();
        entry.0 += count;
        *entry.1.entry(shown).or_default() += count;
    }
    let allowed =
        |kind: &str| REMAINING.iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| *count);
    found.retain(|kind, (count, _)| *count > allowed(kind));
    assert!(found.is_empty(), "more of {PHRASES:?} than {REMAINING:?}: {found:#?}");
}

#[test]
fn phrases_are_found() {
    assert_eq!(occurrences("// It is passed\n    // over by Nobody. fn a_name_stands_twice() {}"), 3);
    assert_eq!(occurrences("nobodys nobody"), 1);
    assert_eq!(kind(Path::new("crates/server/tests/a.rs").to_str().expect("text")), Some("tests"));
    assert!(root().join("Cargo.toml").is_file());
}
