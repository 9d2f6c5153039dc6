//! The sign-in form is accepted from its own page only, and private pages are served under known host names only.

use larkspur_server::Names;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Request};

use super::{HOME, INDEX, PAGE, asked, location, page, stopped};
use crate::scenarios::world;

const DECIDED: [(&str, &str); 2] = [("decision", "deny"), ("user", "")];

#[tokio::test]
async fn a_form_without_the_token_of_its_page_is_refused() {
    let clock = ManualClock::at(1_800_000_000_000);
    let lab = Lab::with(LabOptions { clock: clock.clone(), ..LabOptions::default() }).await;
    let world = lab.world().await;
    let pairs = asked(&world, &DECIDED);
    stopped(&lab.form(PAGE, &pairs).send().await, 403, 5275419);
    // The parameters in the page's URL are those of the form.
    let good = lab.answer_page(&pairs).await;
    assert_eq!(location(&good.clone().send().await), format!("{HOME}?error=access_denied&state=a%20b%26c"));
    let other = asked(&world, &[("state", "another"), ("decision", "deny")]);
    let token = String::from_utf8(good.content().1.to_vec()).expect("a form");
    let token = token.split("form_token=").nth(1).expect("a token").replace("%2E", ".");
    stopped(&lab.form(PAGE, &[&other[..], &[("form_token", &token)]].concat()).send().await, 403, 5275419);
    clock.advance(3_600_000);
    location(&good.clone().send().await);
    clock.advance(1);
    stopped(&good.send().await, 403, 5275419);
}

#[tokio::test]
async fn a_form_that_another_page_sent_is_refused() {
    let world = world().await;
    let form = world.lab.answer_page(&asked(&world, &DECIDED)).await.header("Host", "localhost:5275");
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "http://localhost:3000"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "none"),
    ] {
        stopped(&form.clone().header(name, value).send().await, 403, 5275419);
    }
    for (name, value) in [("Origin", "http://localhost:5275"), ("Sec-Fetch-Site", "same-origin")] {
        location(&form.clone().header(name, value).send().await);
    }
    // A reader may come from any site: apps send their users here.
    let shown = page(&world.lab, PAGE, &asked(&world, &[]));
    assert_eq!(shown.header("Sec-Fetch-Site", "cross-site").send().await.status(), 200);
}

#[tokio::test]
async fn under_a_strange_name_only_the_platform_s_api_and_health_are_answered() {
    let names = Names::Only(vec!["larkspur.example.com".to_owned()]);
    let lab = Lab::with(LabOptions { names, ..LabOptions::default() }).await;
    let world = lab.world().await;
    for (name, host, fine) in [
        ("Host", "evil.example:5275", false),
        ("Host", "localhost.evil.example", false),
        ("X-Forwarded-Host", "evil.example", false),
        ("Host", "localhost:5275", true),
        ("Host", "Larkspur.example.com", true),
    ] {
        let at = |request: Request| request.header(name, host);
        let control = at(lab.control("GET", "/worlds")).send().await;
        let pages = [
            at(page(&lab, PAGE, &asked(&world, &[]))).send().await,
            at(page(&lab, INDEX, &asked(&world, &[]))).send().await,
        ];
        let documents = ["guide/", "metrics", "openapi.json", "errors.md", "larkspur.default.toml"];
        let mut shown = Vec::new();
        for document in documents {
            shown.push(at(lab.request("GET", &format!("/larkspur/{document}"))).send().await);
        }
        if fine {
            control.data();
            assert!(pages.iter().chain(&shown).all(|reply| reply.status() == 200), "{host}");
        } else {
            let refused = control.refused(5275421);
            assert!(refused["msg"].as_str().is_some_and(|text| text.contains("[http] hosts")), "{refused}");
            pages.iter().for_each(|reply| stopped(reply, 421, 5275421));
            for reply in &shown {
                assert_eq!((reply.status(), &*reply.response.content_type), (421, "text/plain"), "{host}");
                assert!(reply.text().contains("[http] hosts"), "{}", reply.text());
            }
        }
        for health in ["live", "ready"] {
            assert_eq!(
                at(lab.request("GET", &format!("/larkspur/health/{health}"))).send().await.status(),
                200
            );
        }
        at(world.call("GET", &format!("/im/v1/chats/{}", world.chat_id))).send().await.data();
    }
}
