//! GET /: one plain page for whoever opens the address in a browser: how it is, where everything is; and where links in
//! mails lead, which the script of the page answers with a button or a form.
//!
//! A token in a link stays between its owner's browser and this server: it is in the fragment, which no request carries,
//! the script takes it out of the address at once, and it leaves the page in the body of one request only. The page's
//! policy lets nothing run, load or be asked that is not from here.

use crate::app::App;
use crate::health::Status;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect, Response};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

pub(crate) async fn page(State(app): State<App>) -> Html<String> {
    let report = app.health().report().await;
    let (state, sentence) = match report.status() {
        Status::Ok => ("ok", "Everything is well."),
        Status::Degraded => ("degraded", "It serves, and something is not well."),
        Status::Down => ("down", "It cannot serve at the moment."),
    };
    // None of these comes from outside, so there is nothing to escape.
    let page = PAGE.replace("{{state}}", state).replace("{{sentence}}", sentence);
    Html(page.replace("{{version}}", env!("CARGO_PKG_VERSION")))
}

/// Its links are relative: they lead somewhere only from a path that ends with a slash.
pub(crate) async fn with_slash() -> Redirect {
    Redirect::temporary("v1/")
}

/// As fresh as the page, which nobody keeps: after an upgrade they have to fit.
pub(crate) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

pub(crate) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_the_page_is_there_in_ukrainian() {
        let ukrainian = SCRIPT.split_once("uk: {").unwrap().1.split_once("\n    },").unwrap().0;
        let names = PAGE.split("data-text=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let states = ["ok", "degraded", "down"];
        let names: Vec<&str> = names.filter(|name| *name != "{{state}}").chain(states).collect();
        assert!(names.len() > 15, "the texts were not found");
        for name in names {
            assert!(ukrainian.contains(&format!("\n      {name}: \"")), "{name}");
        }
    }

    #[test]
    fn both_languages_of_the_script_say_the_same_things() {
        let names = |language: &str| {
            let texts = SCRIPT.split_once(&format!("    {language}: {{\n")).unwrap().1;
            let texts = texts.split_once("\n    },").unwrap().0;
            let names = texts.lines().filter_map(|line| line.trim().split_once(": "));
            names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        let ukrainian = names("uk");
        for name in names("en") {
            assert!(ukrainian.contains(&name), "{name}");
        }
    }

    #[test]
    fn nothing_in_the_page_needs_a_looser_policy() {
        for inline in ["<style", "style=", "onclick", "onsubmit", "javascript:", "<script>"] {
            assert!(!PAGE.contains(inline), "{inline}");
        }
        for sink in ["innerHTML", "eval(", "document.write", "console.", "localStorage", "sessionStorage"] {
            assert!(!SCRIPT.contains(sink), "{sink}");
        }
        for page in [PAGE, SCRIPT, STYLE] {
            assert!(!page.contains("//cdn") && !page.contains("https://"), "{page}");
        }
    }
}
