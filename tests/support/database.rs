//! The store in PostgreSQL, for the whole suite at once.

use sqlx::{Connection, Executor, PgConnection};

/// Names a server, such as `postgresql://postgres@127.0.0.1:5432/postgres`: then every gateway keeps its store there,
/// in a database of its own.
const SERVER: &str = "PASSERELLE_TEST_STORE";

/// A new database, if the suite is to use one.
///
/// # Panics
/// If the server cannot be reached.
pub async fn of_its_own() -> Option<String> {
    Some(database_at(&std::env::var(SERVER).ok()?).await)
}

/// A new database at a server.
///
/// # Panics
/// If the server cannot be reached.
pub async fn database_at(server: &str) -> String {
    let name = format!("gateway_{}", uuid::Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(server).await.expect("the server of the tests");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = reqwest::Url::parse(server).unwrap();
    url.set_path(&name);
    url.to_string()
}
