//! What a click says: the `action` of the callback `card.action.trigger`.

use std::fmt;

use larkspur_contract::codes::CardReason;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{Place, is_interactive, places, word};
use super::build::{act, address_of};
use super::tree::Act;

/// What a person did with an element, beside clicking it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// The option chosen in a menu, or the date or time.
    pub option: Option<String>,
    /// The options chosen in a menu of several.
    pub options: Option<Vec<String>>,
    /// The text entered.
    pub input_value: Option<String>,
    /// Whether the box was ticked.
    pub checked: Option<bool>,
    /// The values of a form by the names of its components, for its submit button. Left out ones keep their initial values.
    #[serde(default)]
    pub form_value: Map<String, Value>,
    /// The time zone of the person, such as `Asia/Shanghai`.
    pub timezone: Option<String>,
}

/// The `action` of the callback. Absent members are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Action {
    /// The tag of the element.
    pub tag: String,
    /// The value of its callback.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The values of the form, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_value: Option<Map<String, Value>>,
    /// The text entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_value: Option<String>,
    /// The option chosen, or the date or time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// The options chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// Whether the box was ticked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// The time zone of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Why a click sends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClickError {
    /// The card has no interactive element at this address; these are the addresses it has.
    NoElement(Vec<String>),
    /// The element is disabled.
    Disabled,
    /// The button opens this URL.
    Opens(String),
    /// The button empties the form.
    Resets,
    /// A component of the form at this address has no name: the client shows 200530.
    Unnamed(String),
    /// The form needs a value of the component with this name.
    Missing(String),
    /// The inputs do not fit the element: what it needs.
    Unfit(String),
}

impl ClickError {
    /// What the client shows, for the failures that it has a number for.
    pub fn shown(&self) -> Option<CardReason> {
        matches!(self, ClickError::Unnamed(_)).then_some(CardReason::FORM_NAME_MISSING)
    }
}

impl fmt::Display for ClickError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClickError::NoElement(known) if known.is_empty() => {
                f.write_str("the card has no interactive element")
            }
            ClickError::NoElement(known) => {
                write!(f, "no interactive element at this address; the card has {}", known.join(", "))
            }
            ClickError::Disabled => f.write_str("the element is disabled"),
            ClickError::Opens(url) => write!(f, "the button opens {url} and tells the app nothing"),
            ClickError::Resets => f.write_str("the button empties the form and tells the app nothing"),
            ClickError::Unnamed(address) => {
                write!(f, "the component {address} of the form has no name; set one")
            }
            ClickError::Missing(name) => write!(f, "the form needs a value of {name}"),
            ClickError::Unfit(why) => f.write_str(why),
        }
    }
}

/// The most addresses that a refusal lists.
const TOLD: usize = 30;

/// What a click on the element at an address says. The address is the element's `element_id`, its `name`, or its position
/// as the tree for readers of the language shows it.
pub fn action_of(card: &Value, language: &str, address: &str, inputs: &Inputs) -> Result<Action, ClickError> {
    let all: Vec<Place<'_>> = places(card, language)
        .into_iter()
        .filter(|place| place.element["tag"].as_str().is_some_and(is_interactive))
        .collect();
    let given =
        |name: &'static str| all.iter().find(move |place| place.element[name].as_str() == Some(address));
    let by_position = || all.iter().find(|place| place.address == address);
    let Some(place) = given("element_id").or_else(|| given("name")).or_else(by_position) else {
        let known = all.iter().take(TOLD).map(|place| address_of(place.element, &place.address));
        return Err(ClickError::NoElement(known.collect()));
    };
    let Some(map) = place.element.as_object() else { return Err(ClickError::NoElement(Vec::new())) };
    if map.get("disabled").and_then(Value::as_bool) == Some(true) {
        return Err(ClickError::Disabled);
    }
    let mut action = Action {
        tag: word(map, "tag").to_owned(),
        name: Some(word(map, "name")).filter(|name| !name.is_empty()).map(str::to_owned),
        timezone: inputs.timezone.clone(),
        ..Action::default()
    };
    match act(map) {
        Act::Open { url } => return Err(ClickError::Opens(url)),
        Act::Reset => return Err(ClickError::Resets),
        Act::Callback { value } => action.value = value,
        Act::Submit => {
            action.value = map.get("value").cloned().unwrap_or_default();
            if action.name.is_none() {
                return Err(ClickError::Unnamed(place.address.clone()));
            }
            action.form_value = Some(form_values(&all, place, inputs)?);
        }
    }
    use_element(&mut action, map, inputs)?;
    Ok(action)
}

/// Sets what the use of the element adds.
fn use_element(action: &mut Action, map: &Map<String, Value>, inputs: &Inputs) -> Result<(), ClickError> {
    let unfit = |needs: &str| {
        Err(ClickError::Unfit(format!("an element of type {} needs {needs}", word(map, "tag"))))
    };
    match word(map, "tag") {
        "button" | "interactive_container" => {}
        "input" => match &inputs.input_value {
            Some(text) => action.input_value = Some(text.clone()),
            None => return unfit("input_value"),
        },
        "checker" => match inputs.checked {
            Some(checked) => action.checked = Some(checked),
            None => return unfit("checked"),
        },
        tag if tag.starts_with("multi_") || flag(map, "multi_select") => match &inputs.options {
            Some(options) => {
                options.iter().try_for_each(|option| is_option(map, option))?;
                action.options = Some(options.clone());
            }
            None => return unfit("options"),
        },
        _ => match &inputs.option {
            Some(option) => {
                is_option(map, option)?;
                action.option = Some(option.clone());
            }
            None => return unfit("option"),
        },
    }
    Ok(())
}

fn flag(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether a menu of fixed options has this one. Menus of people and pickers take any text.
fn is_option(map: &Map<String, Value>, option: &str) -> Result<(), ClickError> {
    if !matches!(word(map, "tag"), "select_static" | "multi_select_static" | "overflow" | "select_img") {
        return Ok(());
    }
    let options = map.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if options.iter().any(|known| known["value"].as_str() == Some(option)) {
        return Ok(());
    }
    Err(ClickError::Unfit(format!("the menu has no option {option:?}")))
}

/// The values of the form that a submit button is in.
fn form_values(
    all: &[Place<'_>],
    button: &Place<'_>,
    inputs: &Inputs,
) -> Result<Map<String, Value>, ClickError> {
    let Some(form) = button.form else {
        return Err(ClickError::Unfit("the submit button is not in a form".to_owned()));
    };
    let mut values = Map::new();
    let inside = all.iter().filter(|place| place.form.is_some_and(|other| std::ptr::eq(other, form)));
    for place in inside {
        let Some(map) = place.element.as_object() else { continue };
        let tag = word(map, "tag");
        if tag == "interactive_container" {
            continue;
        }
        let name = word(map, "name");
        if name.is_empty() {
            return Err(ClickError::Unnamed(place.address.clone()));
        }
        if matches!(tag, "button" | "overflow") {
            continue;
        }
        let value = inputs.form_value.get(name).cloned().or_else(|| initial(map));
        match value.filter(|value| !matches!(value, Value::Null)) {
            Some(value) => {
                fits(map, &value)?;
                if flag(map, "required") && is_blank(&value) {
                    return Err(ClickError::Missing(name.to_owned()));
                }
                values.insert(name.to_owned(), value);
            }
            None if flag(map, "required") => return Err(ClickError::Missing(name.to_owned())),
            None => {}
        }
    }
    match inputs.form_value.keys().find(|name| !values.contains_key(*name)) {
        Some(unknown) => Err(ClickError::Unfit(format!("the form has no component {unknown:?}"))),
        None => Ok(values),
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// The value of a component that was not touched.
fn initial(map: &Map<String, Value>) -> Option<Value> {
    let text = |name: &str| Some(word(map, name)).filter(|text| !text.is_empty()).map(Value::from);
    match word(map, "tag") {
        "input" => Some(Value::from(word(map, "default_value"))),
        "checker" => Some(Value::Bool(flag(map, "checked"))),
        tag if tag.starts_with("multi_") => {
            map.get("selected_values").filter(|list| list.is_array()).cloned()
        }
        _ => {
            ["initial_option", "initial_date", "initial_time", "initial_datetime"].into_iter().find_map(text)
        }
    }
}

/// Whether a value has the type of its component, and a menu the options.
fn fits(map: &Map<String, Value>, value: &Value) -> Result<(), ClickError> {
    let name = word(map, "name");
    let unfit = |needs: &str| Err(ClickError::Unfit(format!("the value of {name} must be {needs}")));
    match (word(map, "tag"), value) {
        ("checker", Value::Bool(_)) => Ok(()),
        ("checker", _) => unfit("true or false"),
        (tag, Value::Array(list)) if tag.starts_with("multi_") || flag(map, "multi_select") => {
            list.iter().try_for_each(|option| match option.as_str() {
                Some(option) => is_option(map, option),
                None => unfit("a list of strings"),
            })
        }
        (tag, _) if tag.starts_with("multi_") || flag(map, "multi_select") => unfit("a list of strings"),
        (_, Value::String(option)) => is_option(map, option),
        _ => unfit("a string"),
    }
}
