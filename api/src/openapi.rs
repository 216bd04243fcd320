//! The OpenAPI document: what all routes have in common, and the finished text.

use crate::auth::X_API_KEY;
use crate::door::PREFIX;
use crate::problem::{Code, FieldCode, Language};
use axum::body::Bytes;
use std::collections::BTreeMap;
use std::fmt::Write;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, ToSchema};

/// The two ways to say who one is. Handlers name those they take in their `security`; with a key goes the scope it has to
/// have.
const ACCESS_TOKEN: &str = "access_token";
const API_KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Counterfoil",
        description = "Users, their wallets, and a record that nobody can argue with.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = PREFIX), (url = "/", description = "every route is also served without the prefix")),
    components(schemas(ProblemBody)),
    modifiers(&Common),
    tags(
        (name = "auth", description = "Registration, login sessions and tokens"),
        (name = "users", description = "Users and their balances"),
        (name = "api keys", description = "Keys that programs sign in with"),
        (name = "settings", description = "What one's freqtrade is set to, with presets and a past"),
        (name = "wallets", description = "One balance in one currency, of one user"),
        (name = "holds", description = "Money that is kept back for what is not settled yet"),
        (name = "trading", description = "Sessions that keep a portfolio as its owner wants it, on paper or on an exchange"),
        (name = "audit", description = "Whether everything adds up"),
        (name = "events", description = "What happened, in order, and what became of a command"),
        (name = "operations", description = "Health and metrics"),
    )
)]
pub(crate) struct Base;

struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(ACCESS_TOKEN, SecurityScheme::Http(scheme));
        let key = ApiKeyValue::with_description(
            X_API_KEY.as_str(),
            "A key as `POST /users/{id}/api-keys` shows it once: `cf_live_…`. It is taken as a bearer, too: \
             `Authorization: Bearer cf_live_…`. Never in the query string.",
        );
        components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
        let description = document.info.description.get_or_insert_default();
        description.push_str(RECENT_LOGIN);
        description.push_str(&problem_table());
    }
}

const RECENT_LOGIN: &str = "\n\n## Recent sign-in\n\nWhat gives an account away takes more than a token that was left open \
    somewhere: a sign-in with the password within the last five minutes, unless whoever runs this says otherwise \
    (`auth_time` of the access token; exchanging it does not count), or one's own `current_password` in the body. That is \
    to make or rotate an API key, or to change more of one than its name and that it is off; to change the e-mail address; \
    to leave credentials for an exchange; and whatever an admin does to others, but for taking away: ending their sessions and switching their keys off, pausing and stopping what trades for them. Else the answer is 403 \
    `recent_login_required`. A wrong `current_password` is 401 `invalid_credentials` and counts like a failed sign-in.";

/// The table of problems and of field errors, as a page of the documentation shows it.
fn problem_table() -> String {
    let mut table =
        "\n\n## Problems\n\n| code | status | retryable | title |\n|---|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let retryable = if code.is_retryable() { "yes" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | {} | {retryable} | {} |",
            code.as_str(),
            code.status().as_u16(),
            code.title(Language::English)
        );
    }
    table.push_str(
        "\n`title`, `detail` and the details in `errors` are for people, in English or Ukrainian: in the language that \
         `Accept-Language` asks for, else in the `locale` of whoever is signed in, else in English. `Content-Language` says \
         which. Codes, facts and statuses are the same in both.\n",
    );
    table.push_str(
        "\nOne kind of answer has no body: bytes that are not HTTP, or a head that is too large, are refused with a bare \
         400, 414 or 431 before there is a request to speak of.\n",
    );
    table.push_str("\nWhat can be wrong with one value, in `errors`: ");
    let fields: Vec<String> = FieldCode::ALL.iter().map(|code| format!("`{}`", code.as_str())).collect();
    table.push_str(&fields.join(", "));
    table
}

/// RFC 9457, with members of our own.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "it describes what `Problem` writes")]
pub(crate) struct ProblemBody {
    #[schema(rename = "type", example = "urn:counterfoil:problem:validation_failed")]
    kind: String,
    title: String,
    #[schema(example = 422)]
    status: u16,
    #[schema(example = "validation_failed")]
    code: String,
    detail: String,
    errors: Vec<FieldErrorBody>,
    request_id: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Always false.
    success: bool,
    /// The same as `detail`.
    error: String,
}

#[derive(ToSchema)]
#[schema(as = FieldError)]
#[allow(dead_code, reason = "it describes what `Problem` writes")]
pub(crate) struct FieldErrorBody {
    /// A JSON pointer into the body, `?name` for a parameter, or the name of a header.
    #[schema(example = "/amount")]
    pointer: String,
    #[schema(example = "too_many_decimals")]
    code: String,
    detail: String,
}

/// Whatever else is answered is a problem.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = utoipa::openapi::Ref::from_schema_name("Problem");
        let response = ResponseBuilder::new()
            .description("A problem")
            .content("application/problem+json", Content::builder().schema(Some(schema)).build());
        BTreeMap::from([("default".to_owned(), response.build().into())])
    }
}

/// The document as text, made once.
#[derive(Clone, Debug)]
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Result<Self, serde_json::Error> {
        document.to_json().map(|text| Self(text.into()))
    }

    pub(crate) fn text(&self) -> Bytes {
        self.0.clone()
    }
}
