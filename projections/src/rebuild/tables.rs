//! The tables of the next generation: made like the live ones, in a schema of their own, and moved over at the end.

use super::RebuildError;
use crate::Projection;
use sqlx::{Executor, PgConnection, Row};

/// Makes empty tables. Those that are only added to get their indexes afterwards.
pub(super) async fn create(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), RebuildError> {
    for table in projection.tables() {
        // A rebuild that was broken off leaves one behind.
        conn.execute(format!("drop table if exists rebuild.{table}").as_str()).await?;
        conn.execute(
            format!("create table rebuild.{table} (like public.{table} including defaults including constraints including storage)")
                .as_str(),
        )
        .await?;
        let options: Option<String> = sqlx::query_scalar(
            "select array_to_string(reloptions, ', ') from pg_class where oid = ('public.' || $1)::regclass",
        )
        .bind(table)
        .fetch_one(&mut *conn)
        .await?;
        if let Some(options) = options {
            conn.execute(format!("alter table rebuild.{table} set ({options})").as_str()).await?;
        }
    }
    if !projection.only_adds() {
        create_indexes(conn, projection).await?;
    }
    Ok(())
}

/// Takes away what a rebuild that came to nothing has made: it may hold what was erased since.
pub(super) async fn drop(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), sqlx::Error> {
    for table in projection.tables() {
        conn.execute(format!("drop table if exists rebuild.{table}").as_str()).await?;
    }
    Ok(())
}

/// The same indexes as the live tables have, under the same names.
pub(super) async fn create_indexes(
    conn: &mut PgConnection,
    projection: &dyn Projection,
) -> Result<(), RebuildError> {
    for table in projection.tables() {
        let indexes = sqlx::query(
            "select c.relname::text as name, pg_get_indexdef(i.indexrelid) as definition, i.indisprimary as is_primary \
               from pg_index i join pg_class c on c.oid = i.indexrelid \
              where i.indrelid = ('public.' || $1)::regclass",
        )
        .bind(table)
        .fetch_all(&mut *conn)
        .await?;
        for index in indexes {
            let (name, definition): (&str, &str) = (index.try_get("name")?, index.try_get("definition")?);
            let definition =
                definition.replacen(&format!(" ON public.{table} "), &format!(" ON rebuild.{table} "), 1);
            conn.execute(definition.as_str()).await?;
            if index.try_get("is_primary")? {
                let promote = format!(
                    "alter table rebuild.{table} add constraint {name} primary key using index {name}"
                );
                conn.execute(promote.as_str()).await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn analyze(
    conn: &mut PgConnection,
    projection: &dyn Projection,
) -> Result<(), RebuildError> {
    for table in projection.tables() {
        conn.execute(format!("analyze rebuild.{table}").as_str()).await?;
    }
    Ok(())
}

/// How many rows only one of the two generations has.
pub(super) async fn differing_rows(conn: &mut PgConnection, table: &str) -> Result<i64, RebuildError> {
    // Sums of row hashes are equal whenever the rows are, and need no sorting.
    let sum = |schema: &str| {
        format!("(select row(count(*), sum(hashtextextended(t::text, 0)::numeric)) from {schema}.{table} t)")
    };
    let same: bool =
        sqlx::query_scalar(&format!("select {} is not distinct from {}", sum("public"), sum("rebuild")))
            .fetch_one(&mut *conn)
            .await?;
    if same {
        return Ok(0);
    }
    let only = |one: &str, other: &str| format!("(table {one}.{table} except all table {other}.{table})");
    let (gone, new) = (only("public", "rebuild"), only("rebuild", "public"));
    let differing = sqlx::query_scalar(&format!("select count(*) from ({gone} union all {new}) d"))
        .fetch_one(conn)
        .await?;
    Ok(differing)
}

/// Puts the new generation in the live one's place.
pub(super) async fn switch(conn: &mut PgConnection, projection: &dyn Projection) -> Result<(), RebuildError> {
    for table in projection.tables() {
        conn.execute(format!("drop table public.{table}").as_str()).await?;
        conn.execute(format!("alter table rebuild.{table} set schema public").as_str()).await?;
    }
    Ok(())
}
