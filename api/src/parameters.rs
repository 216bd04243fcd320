//! What is said of every operation in one way: its name, and what parameters that many of them share may be.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(name(method, path));
            for parameter in operation.parameters.iter_mut().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                parameter.schema = schema_of(&parameter.name).or(parameter.schema.take());
            }
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut path.get),
        ("put", &mut path.put),
        ("post", &mut path.post),
        ("delete", &mut path.delete),
        ("patch", &mut path.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// What a generated client calls it: the handlers' own names are the same for many nouns.
fn name(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |name, word| name + "_" + word)
}

fn schema_of(name: &str) -> Option<RefOr<Schema>> {
    let integer = |minimum: i64| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum));
    let text = |pattern: &str| ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    let schema = match name {
        "min_position" | "after" => integer(0),
        "limit" => integer(1).maximum(Some(200)),
        // Bare, or as a quoted string.
        "Idempotency-Key" => {
            text(r#"^([!#-~]{1,255}|"[!#-\[\]-~]{1,255}")$"#).min_length(Some(1)).max_length(Some(257))
        }
        // An `ETag` as it was sent, or the version in it; or whatever there is.
        "If-Match" => text(r#"^("[0-9]{1,18}(\.[0-9]{1,18})?"|[0-9]{1,18}|\*)$"#),
        "currency" => text("^[A-Za-z0-9]{3,10}$"),
        _ => return None,
    };
    Some(RefOr::T(Schema::Object(schema.build())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut document = crate::router::openapi();
        let items = document.paths.paths.values_mut();
        let names: Vec<String> =
            items.flat_map(operations).filter_map(|(_, operation)| operation.operation_id.clone()).collect();
        let unique: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert!(names.contains(&"post_users_id_api_keys_key_rotate".to_owned()), "{names:?}");
    }

    #[test]
    fn what_every_route_means_by_a_name_is_written_at_every_route() {
        let document = serde_json::to_value(crate::router::openapi()).unwrap();
        let parameters = document.pointer("/paths/~1wallets~1{id}~1deposit/post/parameters").unwrap();
        let key = parameters.as_array().unwrap().iter().find(|p| p["name"] == "Idempotency-Key").unwrap();
        assert_eq!(key["schema"]["maxLength"], 257);
        assert_eq!(key["required"], true);
    }
}
