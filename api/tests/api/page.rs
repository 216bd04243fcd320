//! The page at `/`, as a browser gets it. What a person sees and does there is asked of a real browser by `make test-page`.

use crate::house::House;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn the_page_runs_and_asks_nothing_that_is_not_from_here() {
    let house = House::open().await;
    for path in ["/", "/api/v1/"] {
        let page = house.get(path).send().await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("content-security-policy"), Some(POLICY));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(!page.text().contains("{{"), "{}", page.text());
        let loaded: Vec<&str> = page
            .text()
            .split(" src=\"")
            .skip(1)
            .chain(page.text().split("rel=\"stylesheet\" href=\"").skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(loaded, ["page.js", "page.css"]);
    }
}

#[tokio::test]
async fn the_pages_script_and_style_are_in_the_binary_and_as_fresh_as_the_page() {
    let house = House::open().await;
    for (path, media_type) in
        [("/page.js", "text/javascript; charset=utf-8"), ("/page.css", "text/css; charset=utf-8")]
    {
        for path in [path.to_owned(), format!("/api/v1{path}")] {
            let answered = house.get(&path).send().await;
            assert_eq!(answered.status, 200, "{path}");
            assert_eq!(answered.header("content-type"), Some(media_type));
            assert_eq!(answered.header("cache-control"), Some("no-store"));
            assert_eq!(
                answered.header("content-security-policy"),
                Some("default-src 'none'; frame-ancestors 'none'")
            );
        }
    }
}

#[tokio::test]
async fn the_page_knows_every_kind_of_link_in_a_mail_and_where_its_token_goes() {
    let house = House::open().await;
    let ada = house.person().await;
    let address = ada.name.replacen("ada", "Ada", 1) + "@example.com";
    let forgot = serde_json::json!({ "email": address });
    house.post("/auth/password/forgot").json(&forgot).send().await.expect(202);
    let (page, script) = (house.get("/").send().await, house.get("/page.js").send().await);
    for (kind, route) in [("verify_email", "/auth/email/verify"), ("reset_password", "/auth/password/reset")]
    {
        let (_, action, _) = house.mail(kind, &address).await.link();
        assert!(page.text().contains(&format!("<main id=\"{action}\" hidden>")), "{action}");
        // Relative, so that it is right under any path.
        let relative = route.trim_start_matches('/');
        assert!(script.text().contains(&format!("{action}: \"{relative}\"")), "{action}");
        house.get(route).send().await.problem(405, "method_not_allowed");
    }
}
