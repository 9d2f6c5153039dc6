//! A tree as plain text, for the command line and for tests.

use super::tree::{Act, Node, Span, Tree};

/// The lines of a tree. Interactive elements are shown with their addresses, in brackets.
pub fn plain(tree: &Tree) -> String {
    let mut lines = Vec::new();
    if let Some(header) = &tree.header {
        let tags: String = header.tags.iter().map(|tag| format!(" [{}]", tag.text)).collect();
        lines.push(format!("== {}{tags}", joined(&header.title)));
        if !header.subtitle.is_empty() {
            lines.push(format!("   {}", joined(&header.subtitle)));
        }
    }
    print(&tree.body, 0, &mut lines);
    lines.extend(tree.warnings.iter().map(|warning| match warning.address.as_str() {
        "" => format!("warning: {}", warning.text),
        address => format!("warning: {address}: {}", warning.text),
    }));
    lines.join("\n")
}

fn joined(spans: &[Span]) -> String {
    spans
        .iter()
        .map(|span| match (&span.at, &span.href) {
            (Some(_), _) => format!("@{}", span.text),
            (None, Some(href)) => format!("{} <{href}>", span.text),
            (None, None) => span.text.clone(),
        })
        .collect()
}

fn print(nodes: &[Node], depth: usize, lines: &mut Vec<String>) {
    for node in nodes {
        for line in text(node).iter().flat_map(|text| text.split('\n')) {
            lines.push(format!("{}{line}", "  ".repeat(depth)));
        }
        match node {
            Node::Note { nodes }
            | Node::Panel { nodes, .. }
            | Node::Container { nodes, .. }
            | Node::Form { nodes, .. } => print(nodes, depth + 1, lines),
            Node::Columns { columns } => {
                columns.iter().for_each(|column| print(&column.nodes, depth + 1, lines));
            }
            _ => {}
        }
    }
}

/// The lines of a node, without those of the nodes in it.
fn text(node: &Node) -> Vec<String> {
    let one = |text: String| vec![text];
    match node {
        Node::Text { spans, .. } => one(joined(spans)),
        Node::Heading { level, spans } => one(format!("{} {}", "#".repeat(*level), joined(spans))),
        Node::List { ordered, items } => {
            let mark = |at: usize| if *ordered { format!("{}.", at + 1) } else { "-".to_owned() };
            items.iter().enumerate().map(|(at, item)| format!("{} {}", mark(at), joined(item))).collect()
        }
        Node::Quote { spans } => one(format!("> {}", joined(spans).replace('\n', "\n> "))),
        Node::Code { language, text } => one(format!("```{language}\n{text}\n```")),
        Node::Rule => one("---".to_owned()),
        Node::Image { key, alt } => one(format!("![{alt}]({key})")),
        Node::Columns { .. } => one("(columns)".to_owned()),
        Node::Fields { fields } => fields.iter().map(|field| joined(&field.spans)).collect(),
        Node::Note { .. } => one("(note)".to_owned()),
        Node::Button { address, label, act, .. } => one(format!("[{address}] {label}{}", does(act))),
        Node::Input { address, label, placeholder, value, .. } => {
            one(format!("[{address}] {label}: {}", first(&[value, placeholder])))
        }
        Node::Select { address, options, placeholder, chosen, .. } => {
            let texts: Vec<&str> = options.iter().map(|option| option.text.as_str()).collect();
            let chosen = chosen.join(", ");
            one(format!("[{address}] {} of {}", first(&[&chosen, placeholder]), texts.join(", ")))
        }
        Node::Picker { address, placeholder, value, .. } => {
            one(format!("[{address}] {}", first(&[value, placeholder])))
        }
        Node::Checker { address, spans, checked, .. } => {
            one(format!("[{address}] ({}) {}", if *checked { "x" } else { " " }, joined(spans)))
        }
        Node::Panel { title, open, .. } => {
            one(format!("{} {}", if *open { "v" } else { ">" }, joined(title)))
        }
        Node::Container { address, act, .. } => one(format!("[{address}] (container){}", does(act))),
        Node::Form { name, .. } => one(format!("(form {name})")),
        Node::Table { columns, rows } => {
            std::iter::once(columns).chain(rows).map(|cells| cells.join(" | ")).collect()
        }
        Node::Box { tag, .. } => one(format!("({tag})")),
        Node::Cut => one("(the rest is not shown)".to_owned()),
    }
}

fn does(act: &Act) -> String {
    match act {
        Act::Open { url } => format!(" <{url}>"),
        Act::Callback { .. } => String::new(),
        Act::Submit => " (submit)".to_owned(),
        Act::Reset => " (reset)".to_owned(),
    }
}

/// The first text that is not empty.
fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().copied().find(|text| !text.is_empty()).unwrap_or_default()
}
