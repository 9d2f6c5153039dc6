//! Builds the tree of a card, within limits.

use serde_json::{Map, Value};

use super::super::{CONTENT_MAX, ELEMENTS_MAX, Schema, TABLES_MAX, schema_of, walk, word};
use super::inline;
use super::markdown;
use super::text_of;
use super::tree::{Act, Color, Column, Field, Header, Node, Options, Question, Span, Tree, Warning};

/// The deepest nesting that is shown.
pub const DEPTH_MAX: usize = 8;
/// The most nodes that are shown.
pub const NODES_MAX: usize = 400;
/// The most bytes of text that are shown.
pub const TEXT_MAX: usize = 32 * 1024;
/// Tags that have no node of their own: a box shows their JSON.
const BOXED: [&str; 5] = ["chart", "img_combination", "person", "person_list", "audio"];
/// The most bytes of the JSON of an element without a node of its own.
const JSON_MAX: usize = 600;

/// The tree of a card's JSON for readers of a language. Never fails: what cannot be shown becomes a box, or is left out
/// after a `cut`.
pub fn render(card: &Value, language: &str) -> Tree {
    let mut building = Building { language, nodes: 0, text: 0, cut: false, warnings: Vec::new() };
    let mut body = Vec::new();
    match word(card.as_object().unwrap_or(&Map::new()), "type") {
        kind @ ("template" | "card") => body.push(boxed(kind, card)),
        _ => {
            for (at, element) in walk::elements(card, language).iter().enumerate() {
                building.element(element, &format!("body[{at}]"), 0, &mut body);
            }
        }
    }
    building.lint(card);
    let header = card.get("header").and_then(Value::as_object).map(|header| building.header(header));
    Tree { header, body, warnings: building.warnings }
}

struct Building<'a> {
    language: &'a str,
    nodes: usize,
    text: usize,
    cut: bool,
    warnings: Vec<Warning>,
}

/// The address for clicks: `element_id` or `name` if there is one, otherwise the position.
pub(super) fn address_of(element: &Value, position: &str) -> String {
    let given = ["element_id", "name"].into_iter().find_map(|name| element.get(name)?.as_str());
    given.filter(|given| !given.is_empty()).unwrap_or(position).to_owned()
}

fn boxed(tag: &str, value: &Value) -> Node {
    let json = value.to_string();
    let end = (0..=JSON_MAX.min(json.len())).rev().find(|end| json.is_char_boundary(*end)).unwrap_or(0);
    Node::Box { tag: tag.to_owned(), json: json[..end].to_owned() }
}

fn filled(map: &Map<String, Value>, name: &str) -> Option<String> {
    Some(word(map, name)).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn flag(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'v>(map: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    map.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl Building<'_> {
    fn words(&self, map: &Map<String, Value>, name: &str) -> String {
        map.get(name).map(|part| text_of(part, self.language)).unwrap_or_default().to_owned()
    }

    /// The spans of a text object: only `plain_text` has no markup.
    fn spans(&self, part: &Value) -> Vec<Span> {
        let text = text_of(part, self.language);
        if part["tag"] == "plain_text" || part.is_string() {
            inline::literal(text)
        } else {
            inline::spans(text)
        }
    }

    fn header(&self, header: &Map<String, Value>) -> Header {
        let spans = |name: &str| header.get(name).map(|part| self.spans(part)).unwrap_or_default();
        let tags = list(header, "text_tag_list").iter().filter_map(Value::as_object).map(|tag| Span {
            text: self.words(tag, "text"),
            color: Color::parse(word(tag, "color")),
            label: true,
            ..Span::default()
        });
        let icon = header.get("icon").and_then(Value::as_object);
        let icon = icon.and_then(|icon| filled(icon, "token").or_else(|| filled(icon, "img_key")));
        Header {
            title: spans("title"),
            subtitle: spans("subtitle"),
            tags: tags.collect(),
            color: Color::parse(word(header, "template")),
            icon,
        }
    }

    /// Adds a node, or a `cut` in place of the first one that is too much.
    fn push(&mut self, node: Node, text: usize, nodes: &mut Vec<Node>) {
        if self.has_room(text, nodes) {
            nodes.push(node);
        }
    }

    /// Counts a node, before those in it. Adds a `cut` instead if it is the first one that is too much.
    fn has_room(&mut self, text: usize, nodes: &mut Vec<Node>) -> bool {
        if self.cut {
            return false;
        }
        (self.nodes, self.text) = (self.nodes + 1, self.text + text);
        if self.nodes > NODES_MAX || self.text > TEXT_MAX {
            self.cut = true;
            nodes.push(Node::Cut);
        }
        !self.cut
    }

    /// The nodes inside an element.
    fn inside(&mut self, element: &Value, position: &str, depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (step, child) in walk::children(element) {
            self.element(child, &format!("{position}{step}"), depth + 1, &mut nodes);
        }
        nodes
    }

    /// Adds the nodes of an element.
    fn element(&mut self, element: &Value, position: &str, depth: usize, nodes: &mut Vec<Node>) {
        if self.cut {
            return;
        }
        let Some(map) = element.as_object() else { return self.push(boxed("", element), 0, nodes) };
        if depth >= DEPTH_MAX {
            self.cut = true;
            return nodes.push(Node::Cut);
        }
        match word(map, "tag") {
            "markdown" => self.paragraph(element, nodes),
            "plain_text" | "lark_md" => self.sentence(element, map, nodes),
            "div" => self.div(element, map, position, depth, nodes),
            "hr" => self.push(Node::Rule, 0, nodes),
            "img" => self.image(map, position, nodes),
            "standard_icon" | "custom_icon" => {
                let key = filled(map, "token").or_else(|| filled(map, "img_key")).unwrap_or_default();
                self.push(Node::Image { key, alt: "icon".to_owned() }, 0, nodes);
            }
            "action" => nodes.extend(self.inside(element, position, depth)),
            "note" | "form" | "collapsible_panel" | "interactive_container" => {
                if self.has_room(0, nodes) {
                    let inside = self.inside(element, position, depth);
                    nodes.push(self.around(element, map, position, inside));
                }
            }
            "column_set" => self.columns(map, position, depth, nodes),
            "table" => self.table(map, nodes),
            tag if walk::is_interactive(tag) => self.component(element, map, position, nodes),
            tag => {
                if !BOXED.contains(&tag) {
                    self.warn(
                        position,
                        &format!("Larkspur does not know the tag {tag:?}; clients may show nothing"),
                    );
                }
                self.push(boxed(tag, element), JSON_MAX, nodes);
            }
        }
    }

    /// The node of an element that is around others.
    fn around(&self, element: &Value, map: &Map<String, Value>, position: &str, nodes: Vec<Node>) -> Node {
        match word(map, "tag") {
            "note" => Node::Note { nodes },
            "form" => Node::Form { name: word(map, "name").to_owned(), nodes },
            "interactive_container" => {
                let (address, disabled) = (address_of(element, position), flag(map, "disabled"));
                Node::Container { address, disabled, act: act(map), nodes }
            }
            _ => {
                let title = map.get("header").and_then(|header| header.get("title"));
                let title = title.map(|title| self.spans(title)).unwrap_or_default();
                Node::Panel { title, open: flag(map, "expanded"), nodes }
            }
        }
    }

    fn paragraph(&mut self, element: &Value, nodes: &mut Vec<Node>) {
        let text = text_of(element, self.language);
        // Text beyond the limit is not read at all.
        if self.text + text.len() > TEXT_MAX {
            return self.push(Node::Cut, text.len(), nodes);
        }
        let map = element.as_object();
        let (size, align) =
            (map.and_then(|map| filled(map, "text_size")), map.and_then(|map| filled(map, "text_align")));
        self.text += text.len();
        for mut node in markdown::nodes(text) {
            if let Node::Text { size: of, align: to, .. } = &mut node {
                (*of, *to) = (size.clone(), align.clone());
            }
            self.push(node, 0, nodes);
        }
    }

    fn sentence(&mut self, part: &Value, map: &Map<String, Value>, nodes: &mut Vec<Node>) {
        let length = text_of(part, self.language).len();
        if self.text + length > TEXT_MAX {
            return self.push(Node::Cut, length, nodes);
        }
        let (spans, size) = (self.spans(part), filled(map, "text_size"));
        self.push(Node::Text { spans, size, align: filled(map, "text_align") }, length, nodes);
    }

    fn div(
        &mut self,
        element: &Value,
        map: &Map<String, Value>,
        position: &str,
        depth: usize,
        nodes: &mut Vec<Node>,
    ) {
        if let Some((part, inside)) = map.get("text").and_then(|part| Some((part, part.as_object()?))) {
            self.sentence(part, inside, nodes);
        }
        let (mut fields, mut length) = (Vec::new(), 0);
        for field in list(map, "fields").iter().take(NODES_MAX) {
            let Some(part) = field.get("text") else { continue };
            length += text_of(part, self.language).len();
            if self.text + length > TEXT_MAX {
                break;
            }
            fields
                .push(Field { short: field["is_short"].as_bool().unwrap_or(false), spans: self.spans(part) });
        }
        if length > 0 {
            self.push(Node::Fields { fields }, length, nodes);
        }
        nodes.extend(self.inside(element, position, depth));
    }

    fn image(&mut self, map: &Map<String, Value>, position: &str, nodes: &mut Vec<Node>) {
        let (key, alt) = (word(map, "img_key").to_owned(), self.words(map, "alt"));
        if alt.is_empty() {
            self.warn(position, "the image has no description; set alt");
        }
        let length = alt.len();
        self.push(Node::Image { key, alt }, length, nodes);
    }

    fn columns(&mut self, map: &Map<String, Value>, position: &str, depth: usize, nodes: &mut Vec<Node>) {
        if !self.has_room(0, nodes) {
            return;
        }
        let mut columns = Vec::new();
        for (at, column) in list(map, "columns").iter().enumerate() {
            let mut inside = Vec::new();
            if !self.has_room(0, &mut inside) {
                if !inside.is_empty() {
                    columns.push(Column { weight: 1, nodes: inside });
                }
                break;
            }
            let weight = match column["width"].as_str() {
                Some("auto") => 0,
                _ => column["weight"].as_u64().unwrap_or(1).clamp(1, 5),
            };
            let elements = column["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (row, child) in elements.iter().enumerate() {
                self.element(child, &format!("{position}.columns[{at}][{row}]"), depth + 1, &mut inside);
            }
            columns.push(Column { weight, nodes: inside });
        }
        nodes.push(Node::Columns { columns });
    }

    fn table(&mut self, map: &Map<String, Value>, nodes: &mut Vec<Node>) {
        let columns: Vec<&Map<String, Value>> =
            list(map, "columns").iter().filter_map(Value::as_object).take(50).collect();
        let (mut rows, mut length) = (Vec::new(), 0);
        for row in list(map, "rows").iter().take(NODES_MAX) {
            let cells = columns.iter().map(|column| match row.get(word(column, "name")) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(options)) => {
                    let texts = options.iter().map(|option| option["text"].as_str().unwrap_or_default());
                    texts.collect::<Vec<_>>().join(", ")
                }
                Some(other) => other.to_string(),
            });
            let cells: Vec<String> = cells.collect();
            length += cells.iter().map(String::len).sum::<usize>();
            if self.text + length > TEXT_MAX {
                break;
            }
            rows.push(cells);
        }
        let named = |column: &&Map<String, Value>| {
            filled(column, "display_name").unwrap_or_else(|| word(column, "name").to_owned())
        };
        self.push(Node::Table { columns: columns.iter().map(named).collect(), rows }, length, nodes);
    }

    fn component(
        &mut self,
        element: &Value,
        map: &Map<String, Value>,
        position: &str,
        nodes: &mut Vec<Node>,
    ) {
        let address = address_of(element, position);
        let (name, disabled, required) =
            (word(map, "name").to_owned(), flag(map, "disabled"), flag(map, "required"));
        let placeholder = self.words(map, "placeholder");
        let node = match word(map, "tag") {
            "button" => {
                self.check_callback(map, position);
                let confirm = map.get("confirm").and_then(Value::as_object).map(|asked| Question {
                    title: self.words(asked, "title"),
                    text: self.words(asked, "text"),
                });
                let style = filled(map, "type").unwrap_or_else(|| "default".to_owned());
                Node::Button {
                    address,
                    label: self.words(map, "text"),
                    style,
                    disabled,
                    confirm,
                    act: act(map),
                }
            }
            "input" => Node::Input {
                address,
                name,
                label: self.words(map, "label"),
                placeholder,
                value: word(map, "default_value").to_owned(),
                disabled,
                required,
            },
            "checker" => {
                let spans = map.get("text").map(|part| self.spans(part)).unwrap_or_default();
                Node::Checker { address, name, spans, checked: flag(map, "checked"), disabled }
            }
            tag @ ("date_picker" | "picker_time" | "picker_datetime") => {
                let initial = ["initial_date", "initial_time", "initial_datetime"];
                let value = initial.into_iter().find_map(|name| filled(map, name)).unwrap_or_default();
                Node::Picker { address, tag: tag.to_owned(), name, placeholder, value, disabled, required }
            }
            tag => Node::Select {
                address,
                tag: tag.to_owned(),
                name,
                placeholder,
                options: self.options(map),
                chosen: chosen(map),
                multiple: tag.starts_with("multi_") || flag(map, "multi_select"),
                disabled,
                required,
            },
        };
        let length = element.to_string().len();
        self.push(node, length, nodes);
    }

    fn options(&self, map: &Map<String, Value>) -> Vec<Options> {
        let all = list(map, "options").iter().filter_map(Value::as_object).take(NODES_MAX);
        all.map(|option| Options {
            value: filled(option, "value").or_else(|| filled(option, "img_key")).unwrap_or_default(),
            text: self.words(option, "text"),
        })
        .collect()
    }

    fn warn(&mut self, address: &str, text: &str) {
        if self.warnings.len() < 50 {
            self.warnings.push(Warning { address: address.to_owned(), text: text.to_owned() });
        }
    }

    /// Official clients decode the value of a callback only if it is an object.
    fn check_callback(&mut self, map: &Map<String, Value>, position: &str) {
        match act(map) {
            Act::Callback { value: Value::Object(_) | Value::Null } | Act::Submit | Act::Reset => {}
            Act::Callback { .. } => {
                self.warn(position, "official SDKs read the value of a callback only if it is an object");
            }
            Act::Open { url } if !inline::is_link(&url) => {
                self.warn(position, "the button leads to no valid URL");
            }
            Act::Open { .. } => {}
        }
    }

    /// What the platform refuses.
    fn lint(&mut self, card: &Value) {
        if card.to_string().len() > CONTENT_MAX {
            self.warn("", "the card has more than 30 KB; the platform refuses it");
        }
        let v2 = schema_of(card) == Some(Schema::V2);
        if v2 && card.get("body").map(walk::count).unwrap_or_default() > ELEMENTS_MAX {
            self.warn("", "the card has more than 200 elements; the platform refuses it");
        }
        let places = walk::places(card, self.language);
        let tagged = |tag: &str| places.iter().filter(|place| place.element["tag"] == tag).count();
        if tagged("table") > TABLES_MAX {
            self.warn("", "the card has more than 5 tables; the platform refuses it");
        }
        for tag in ["action", "note"] {
            if v2 && tagged(tag) > 0 {
                self.warn(
                    "",
                    &format!("schema 2.0 does not have the tag {tag}; the platform refuses the card"),
                );
            }
        }
    }
}

/// What is chosen at first.
fn chosen(map: &Map<String, Value>) -> Vec<String> {
    let one = ["initial_option", "selected_value"].into_iter().find_map(|name| filled(map, name));
    let many = ["selected_values", "initial_options"].into_iter().flat_map(|name| list(map, name));
    one.into_iter().chain(many.filter_map(Value::as_str).map(str::to_owned)).take(NODES_MAX).collect()
}

/// What a click on a button or container does.
pub(super) fn act(map: &Map<String, Value>) -> Act {
    for form in [word(map, "form_action_type"), word(map, "action_type")] {
        match form {
            "submit" | "form_submit" => return Act::Submit,
            "reset" | "form_reset" => return Act::Reset,
            _ => {}
        }
    }
    let behaviors = list(map, "behaviors");
    let of = |kind: &str| behaviors.iter().find(|behavior| behavior["type"] == kind);
    if let Some(callback) = of("callback") {
        return Act::Callback { value: callback.get("value").cloned().unwrap_or_default() };
    }
    let url = of("open_url").and_then(|open| open["default_url"].as_str());
    let multi = || map.get("multi_url")?.get("url")?.as_str();
    match url.or_else(|| map.get("url")?.as_str().filter(|url| !url.is_empty())).or_else(multi) {
        Some(url) if !map.contains_key("value") => Act::Open { url: url.to_owned() },
        _ => Act::Callback { value: map.get("value").cloned().unwrap_or_default() },
    }
}
