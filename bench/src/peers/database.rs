//! The peers' own database on the same Postgres: made anew for each run, so no history of theirs grows old.

use sqlx::{Connection, PgConnection};

use crate::error::{Doing, Result};

const NAME: &str = "bench_peers";

/// Makes the empty database and gives its URL. `url` is that of any database on the same server.
pub(crate) async fn create(url: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url).await.doing("connecting to the database")?;
    for statement in
        [format!("drop database if exists {NAME} with (force)"), format!("create database {NAME}")]
    {
        sqlx::raw_sql(&statement).execute(&mut connection).await.doing("making the peers' database")?;
    }
    connection.close().await.doing("closing a connection")?;
    Ok(with_database(url, NAME))
}

/// The same URL with another database in it.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority_end = base.find("://").map_or(0, |at| at + 3);
    let path = base[authority_end..].find('/').map_or(base.len(), |at| authority_end + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        for (url, wanted) in [
            (
                "postgres://a:b@127.0.0.1:5/one?sslmode=disable",
                "postgres://a:b@127.0.0.1:5/two?sslmode=disable",
            ),
            ("postgres://a@localhost:1/one?host=%2Frun%2Fx", "postgres://a@localhost:1/two?host=%2Frun%2Fx"),
            ("postgres://a@localhost", "postgres://a@localhost/two"),
            ("postgres://a@localhost?host=/run/one", "postgres://a@localhost/two?host=/run/one"),
        ] {
            assert_eq!(with_database(url, "two"), wanted);
        }
    }
}
