//! The authorize page: who are you, and may the app do this?

use std::fmt::Write;

use larkspur_contract::{Fault, page};
use larkspur_store::{Root, apps, tenants, users};

use super::asked::{Asked, Checked, Shown};
use crate::Browse;

/// The most users that the page lists; the others are found by name.
const MOST: i64 = 50;

/// The page with the users who may sign in.
pub(super) async fn picker(root: &mut Root, asked: &Asked, checked: &Checked) -> Result<Shown, Fault> {
    let part = asked.name.as_deref().unwrap_or_default();
    let (mut people, mut more) = (String::new(), false);
    let mut listed = 0;
    for (tenant, install) in &checked.homes {
        let mut tx = root.tenant(*tenant);
        let home = tenants::get(&mut tx).await?.map_or_else(String::new, |tenant| tenant.name.clone());
        let found = users::active_by_name(&mut tx, &users::fold(part), MOST + 1).await?;
        for user in found {
            if !apps::is_visible_to(&mut tx, install, &user.user_id).await? {
                continue;
            }
            if listed == MOST {
                more = true;
                break;
            }
            let checked = if listed == 0 { " checked" } else { "" };
            let (id, name) = (page::escape(&user.user_id), page::escape(&user.name));
            let _ = writeln!(
                people,
                "<label><input type=\"radio\" name=\"user\" value=\"{tenant}/{id}\" required{checked}> {name} <span class=\"small\">({id}, {})</span></label>",
                page::escape(&home)
            );
            listed += 1;
        }
    }
    let mut main = format!(
        "<p><strong>{}</strong> (<code>{}</code>) asks to act in your name.</p>\n",
        page::escape(&checked.app.name),
        checked.app.app_id
    );
    scopes(&mut main, checked);
    if more || !part.is_empty() {
        let _ = writeln!(
            main,
            "<form method=\"get\" role=\"search\">\n{}<label>Find somebody by name <input type=\"search\" name=\"name\" value=\"{}\"></label>\n<button>Find</button>\n</form>",
            hidden(asked),
            page::escape(part)
        );
    }
    if listed == 0 {
        people.push_str("<p>Nobody by that name may use the app.</p>\n");
    }
    let _ = writeln!(
        main,
        "<form method=\"post\" action=\"/open-apis/authen/v1/authorize\">\n{}<fieldset>\n<legend>Who are you?</legend>\n{people}</fieldset>\n\
         <button class=\"allow\" name=\"decision\" value=\"allow\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\n</form>",
        hidden(asked)
    );
    let target = page::escape(&checked.redirect_uri);
    let _ = writeln!(main, "<p class=\"small\">Either answer leads to <code>{target}</code>.</p>");
    let title = format!("Sign in to {}", checked.app.name);
    Ok(Shown::of(Browse::Page(page::page(&title, &main))))
}

fn scopes(main: &mut String, checked: &Checked) {
    if checked.scopes.iter().next().is_none() {
        main.push_str("<p>It asks for no scopes beside your name and picture.</p>\n");
        return;
    }
    main.push_str("<p>It asks for these scopes:</p>\n<ul>\n");
    for scope in checked.scopes.iter() {
        let _ = writeln!(main, "<li><code>{}</code></li>", page::escape(scope));
    }
    main.push_str("</ul>\n");
}

/// What was asked, to be sent along with the answer.
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
    ] {
        if let Some(value) = value {
            let value = page::escape(value);
            let _ = writeln!(out, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
    }
    out
}
