//! The HTML of the authorize page: which user signs in, and what the app requests.

use std::fmt::Write;

use larkspur_contract::Fault;
use larkspur_store::{Root, apps, tenants, text, users};

use super::authorize_request::{Asked, Checked, PageAnswer};
use super::form_token;
use crate::pages::{self, Language, escape};
use crate::{Browse, RootCall};

/// The most users that the page lists; others are found by name.
const MOST: i64 = 50;

/// The page with the users who may sign in.
pub(crate) async fn picker(
    root: &mut Root,
    call: &RootCall,
    asked: &Asked,
    checked: &Checked,
) -> Result<PageAnswer, Fault> {
    let language = call.frame.language;
    let part = asked.name.as_deref().unwrap_or_default();
    let people = people(root, checked, part).await?;
    let (name, app_id) = (escape(&checked.app.name), checked.app.app_id);
    let mut main = match language {
        Language::English => {
            format!("<p><strong>{name}</strong> (<code>{app_id}</code>) asks to act in your name.</p>\n")
        }
        Language::Chinese => {
            format!("<p><strong>{name}</strong>（<code>{app_id}</code>）申请以你的身份执行操作。</p>\n")
        }
    };
    scopes(&mut main, checked, language);
    if people.more || !part.is_empty() {
        let _ = writeln!(
            main,
            "<form method=\"get\" role=\"search\">\n{}<label>{} <input type=\"search\" name=\"name\" value=\"{}\"></label>\n<button>{}</button>\n</form>",
            hidden(asked),
            language.pick("Find a user by name", "按姓名查找用户"),
            escape(part),
            language.pick("Find", "查找"),
        );
    }
    let mut list = people.list;
    if people.listed == 0 {
        let none = language
            .pick("No user of that name may use the app.", "没有符合条件的用户，或者他们无权使用该应用。");
        let _ = writeln!(list, "<p>{none}</p>");
    }
    let _ = writeln!(
        main,
        "<form method=\"post\" action=\"/open-apis/authen/v1/authorize?{}={}\">\n{}<input type=\"hidden\" name=\"form_token\" value=\"{}\">\n<fieldset>\n<legend>{}</legend>\n{list}</fieldset>\n\
         <button class=\"allow\" name=\"decision\" value=\"allow\">{}</button>\n\
         <button name=\"decision\" value=\"deny\" formnovalidate>{}</button>\n</form>",
        pages::PARAMETER,
        language.word(),
        hidden(asked),
        form_token::make(&call.engine.keys, asked, call.now),
        language.pick("Who are you?", "选择登录用户"),
        language.pick("Allow", "授权"),
        language.pick("Deny", "拒绝"),
    );
    let target = escape(&checked.redirect_uri);
    let _ = match language {
        Language::English => {
            writeln!(main, "<p class=\"small\">Either answer leads to <code>{target}</code>.</p>")
        }
        Language::Chinese => {
            writeln!(main, "<p class=\"small\">无论授权还是拒绝，都将跳转至 <code>{target}</code>。</p>")
        }
    };
    let title = format!("{}{}", language.pick("Sign in to ", "登录 "), checked.app.name);
    Ok(PageAnswer::of(Browse::Page(pages::page(&title, &main, &call.frame))))
}

/// The users on the page.
struct People {
    /// As the buttons of a form.
    list: String,
    /// Their number.
    listed: i64,
    /// Whether there are more.
    more: bool,
}

async fn people(root: &mut Root, checked: &Checked, part: &str) -> Result<People, Fault> {
    let mut people = People { list: String::new(), listed: 0, more: false };
    for (tenant, install) in &checked.homes {
        let mut tx = root.tenant(*tenant);
        let home = tenants::get(&mut tx).await?.map_or_else(String::new, |tenant| tenant.name.clone());
        let found = users::active_by_name(&mut tx, &text::fold(part), MOST + 1).await?;
        for user in found {
            if !apps::is_visible_to(&mut tx, install, &user.user_id).await? {
                continue;
            }
            if people.listed == MOST {
                people.more = true;
                break;
            }
            let checked = if people.listed == 0 { " checked" } else { "" };
            let (id, name) = (escape(&user.user_id), escape(&user.name));
            let _ = writeln!(
                people.list,
                "<label><input type=\"radio\" name=\"user\" value=\"{tenant}/{id}\" required{checked}> {name} <span class=\"small\">({id}, {})</span></label>",
                escape(&home)
            );
            people.listed += 1;
        }
    }
    Ok(people)
}

fn scopes(main: &mut String, checked: &Checked, language: Language) {
    if checked.scopes.iter().next().is_none() {
        let none = language
            .pick("It requests no scopes beyond your name and picture.", "除姓名和头像外，未申请其他权限。");
        let _ = writeln!(main, "<p>{none}</p>");
        return;
    }
    let _ = writeln!(main, "<p>{}</p>\n<ul>", language.pick("It requests these scopes:", "申请以下权限："));
    for scope in checked.scopes.iter() {
        let _ = writeln!(main, "<li><code>{}</code></li>", escape(scope));
    }
    main.push_str("</ul>\n");
}

/// The parameters of the request as hidden fields, to be sent with the decision.
fn hidden(asked: &Asked) -> String {
    let client = asked.client_id.as_ref().or(asked.app_id.as_ref());
    let mut out = String::new();
    for (name, value) in [
        ("client_id", client),
        ("response_type", Some(&"code".to_owned())),
        ("redirect_uri", asked.redirect_uri.as_ref()),
        ("scope", asked.scope.as_ref()),
        ("state", asked.state.as_ref()),
        ("code_challenge", asked.code_challenge.as_ref()),
        ("code_challenge_method", asked.code_challenge_method.as_ref()),
        (pages::PARAMETER, asked.lang.as_ref()),
    ] {
        if let Some(value) = value {
            let value = escape(value);
            let _ = writeln!(out, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
    }
    out
}
