//! What parameters that many routes share may be, said once: the same name means the same thing everywhere.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// Writes it into every operation that has such a parameter.
pub(crate) fn describe(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for parameter in operation.parameters.iter_mut().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            parameter.schema = schema_of(&parameter.name).or(parameter.schema.take());
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
}

fn schema_of(name: &str) -> Option<RefOr<Schema>> {
    let integer = |minimum: i64| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum));
    let text = |pattern: &str| ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    let schema = match name {
        "min_position" | "after" => integer(0),
        "limit" => integer(1).maximum(Some(200)),
        "Idempotency-Key" => text("^[!#-~]+$").min_length(Some(1)).max_length(Some(255)),
        "If-Match" => text("^\"[0-9]{1,15}\"$"),
        "currency" => text("^[A-Za-z0-9]{3,10}$"),
        _ => return None,
    };
    Some(RefOr::T(Schema::Object(schema.build())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_every_route_means_by_a_name_is_written_at_every_route() {
        let document = serde_json::to_value(crate::router::openapi()).unwrap();
        let parameters = document.pointer("/paths/~1wallets~1{id}~1deposit/post/parameters").unwrap();
        let key = parameters.as_array().unwrap().iter().find(|p| p["name"] == "Idempotency-Key").unwrap();
        assert_eq!(key["schema"]["maxLength"], 255);
        assert_eq!(key["required"], true);
    }
}
