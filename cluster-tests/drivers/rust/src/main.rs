//! The event log and the feature store through the Rust driver `scylla`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::TryStreamExt;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::value::{CqlDate, CqlDecimal, CqlTimestamp, CqlTimeuuid, MaybeUnset};
use scylla::{DeserializeRow, DeserializeValue, SerializeRow, SerializeValue};
use uuid::Uuid;

const EVENTS: i32 = 1000;
const FEATURES: i32 = 100;
const USERS: i32 = 10;
const WINDOW: usize = 64;
/// 2024-02-29 12:00 UTC, in milliseconds.
const START: i64 = 1_709_208_000_000;
/// 2024-02-29, in days after −5877641-06-23.
const DAY: CqlDate = CqlDate((1 << 31) + 19_782);

#[derive(Debug, Clone, PartialEq, SerializeValue, DeserializeValue)]
struct Place {
    street: String,
    number: i32,
}

#[derive(Debug, Clone, PartialEq, SerializeRow, DeserializeRow)]
struct Event {
    user: String,
    day: CqlDate,
    event_time: CqlTimestamp,
    event_id: CqlTimeuuid,
    event_type: String,
    amount: CqlDecimal,
    properties: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, SerializeRow, DeserializeRow)]
struct Features {
    user_id: Uuid,
    age: i32,
    mean: f64,
    last_category: String,
    last_seen: CqlTimestamp,
    recent: Vec<i32>,
    tags: Vec<String>,
    counts: BTreeMap<String, i64>,
    home: Place,
    embedding: Vec<u8>,
    vec: Vec<f32>,
}

fn event(number: i32) -> Event {
    let [high, low] = (number as u16).to_be_bytes();
    let id = [0x12, 0x34, high, low, 0x9a, 0xbc, 0x10, 0, 0x80, 0, 1, 2, 3, 4, 5, 6];
    let properties = [("page".to_owned(), format!("/{number}")), ("ref".to_owned(), "ü".to_owned())];
    Event {
        user: format!("user{}", number % USERS),
        day: DAY,
        event_time: CqlTimestamp(START + i64::from(number)),
        event_id: CqlTimeuuid::from_bytes(id),
        event_type: "click".to_owned(),
        amount: CqlDecimal::from_signed_be_bytes_and_exponent((number * 100 + 50).to_be_bytes().to_vec(), 2),
        properties: BTreeMap::from(properties),
    }
}

fn features(number: i32) -> Features {
    Features {
        user_id: user_id(number),
        age: number,
        mean: f64::from(number) / 7.0,
        last_category: "books".to_owned(),
        last_seen: CqlTimestamp(START),
        recent: vec![number, -1],
        tags: vec!["a".to_owned(), format!("b{number}")],
        counts: BTreeMap::from([("clicks".to_owned(), i64::from(number) << 33)]),
        home: Place { street: "Main Street".to_owned(), number },
        embedding: vec![0, 0xff, number as u8],
        vec: (0..16u8).map(|at| number as f32 + f32::from(at) / 4.0).collect(),
    }
}

fn user_id(number: i32) -> Uuid {
    Uuid::from_u64_pair(7, number as u64)
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contacts, data_centre, factor, keyspace] = arguments.as_slice() else {
        anyhow::bail!("CONTACT,CONTACT DATA_CENTRE REPLICATION_FACTOR KEYSPACE");
    };
    let contacts: Vec<&str> = contacts.split(',').collect();
    let policy =
        scylla::policies::load_balancing::DefaultPolicy::builder().prefer_datacenter(data_centre.clone()).build();
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::Quorum)
        .request_timeout(Some(Duration::from_secs(20)))
        .load_balancing_policy(policy)
        .build();
    let session = SessionBuilder::new()
        .known_nodes(&contacts)
        .default_execution_profile_handle(profile.into_handle())
        .build()
        .await?;
    let state = session.get_cluster_state();
    same("nodes", &state.get_nodes_info().len(), &contacts.len())?;
    ok("connected");
    ensure!(state.get_keyspace("system").context("system")?.tables.contains_key("local"), "system.local is not known");
    ok("metadata");
    schema(&session, factor, keyspace).await?;
    write_events(&session).await?;
    write_features(&session).await?;
    batch(&session).await?;
    session.query_unpaged(format!("DROP KEYSPACE {keyspace}"), ()).await?;
    ok("done");
    Ok(())
}

async fn schema(session: &Session, factor: &str, keyspace: &str) -> Result<()> {
    session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {keyspace}"), ()).await?;
    let replication = format!("{{'class': 'SimpleStrategy', 'replication_factor': {factor}}}");
    session.query_unpaged(format!("CREATE KEYSPACE {keyspace} WITH replication = {replication}"), ()).await?;
    session.use_keyspace(keyspace, false).await?;
    for text in [
        "CREATE TYPE place (street text, number int)",
        "CREATE TABLE events (user text, day date, event_time timestamp, event_id timeuuid, event_type text, amount decimal, \
         properties map<text, text>, PRIMARY KEY ((user, day), event_time, event_id)) \
         WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)",
        "CREATE TABLE features (user_id uuid PRIMARY KEY, age int, mean double, last_category text, last_seen timestamp, \
         recent list<int>, tags set<text>, counts map<text, bigint>, home frozen<place>, embedding blob, vec vector<float, 16>)",
    ] {
        session.query_unpaged(text, ()).await?;
    }
    session.await_schema_agreement().await?;
    session.refresh_metadata().await?;
    let state = session.get_cluster_state();
    let made = state.get_keyspace(keyspace).context("the keyspace is not in the metadata")?;
    let events = made.tables.get("events").context("events is not in the metadata")?;
    same("partition key", &events.partition_key, &vec!["user".to_owned(), "day".to_owned()])?;
    same("clustering key", &events.clustering_key, &vec!["event_time".to_owned(), "event_id".to_owned()])?;
    ensure!(made.user_defined_types.contains_key("place"), "the user type is not in the metadata");
    ok("schema");
    Ok(())
}

async fn write_events(session: &Session) -> Result<()> {
    let write = session
        .prepare("INSERT INTO events (user, day, event_time, event_id, event_type, amount, properties) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .await?;
    let write = &write;
    futures::stream::iter(0..EVENTS)
        .map(|number| async move { session.execute_unpaged(write, event(number)).await })
        .buffer_unordered(WINDOW)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let mut read = session.prepare("SELECT * FROM events WHERE user = ? AND day = ?").await?;
    read.set_page_size(7);
    for user in 0..USERS {
        let rows = session.execute_iter(read.clone(), (format!("user{user}"), DAY)).await?.rows_stream::<Event>()?;
        let found: Vec<Event> = rows.try_collect().await?;
        let expected: Vec<Event> = (0..EVENTS).rev().filter(|number| number % USERS == user).map(event).collect();
        same("events", &found.len(), &expected.len())?;
        for (found, expected) in found.iter().zip(&expected) {
            same("event", found, expected)?;
        }
    }
    let counted = session.query_unpaged("SELECT count(*) FROM events", ()).await?.into_rows_result()?;
    same("count", &counted.single_row::<(i64,)>()?.0, &i64::from(EVENTS))?;
    ok(&format!("events {EVENTS}"));
    Ok(())
}

async fn write_features(session: &Session) -> Result<()> {
    let write = session
        .prepare(
            "INSERT INTO features (user_id, age, mean, last_category, last_seen, recent, tags, counts, home, embedding, vec) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .await?;
    let read = session.prepare("SELECT * FROM features WHERE user_id = ?").await?;
    for number in 0..FEATURES {
        session.execute_unpaged(&write, features(number)).await?;
        let rows = session.execute_unpaged(&read, (user_id(number),)).await?.into_rows_result()?;
        same("features", &rows.single_row::<Features>()?, &features(number))?;
    }
    let partly = session.prepare("INSERT INTO features (user_id, age, last_category) VALUES (?, ?, ?)").await?;
    session.execute_unpaged(&partly, (user_id(1), 99, MaybeUnset::<String>::Unset)).await?;
    let rows = session.execute_unpaged(&read, (user_id(1),)).await?.into_rows_result()?;
    let found = rows.single_row::<Features>()?;
    same("unset", &(found.age, found.last_category.as_str()), &(99, "books"))?;
    ok(&format!("features {FEATURES}"));
    Ok(())
}

async fn batch(session: &Session) -> Result<()> {
    let update = session.prepare("UPDATE features SET age = ? WHERE user_id = ?").await?;
    let mut both = Batch::new(BatchType::Logged);
    both.append_statement(update.clone());
    both.append_statement(update);
    session.batch(&both, ((1, user_id(1)), (1, user_id(2)))).await?;
    for number in 1..=2 {
        let rows = session
            .query_unpaged("SELECT age FROM features WHERE user_id = ?", (user_id(number),))
            .await?
            .into_rows_result()?;
        same("batch", &rows.single_row::<(i32,)>()?.0, &1)?;
    }
    ok("batch");
    Ok(())
}

fn ok(what: &str) {
    println!("OK {what}");
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<()> {
    ensure!(found == expected, "{what}: found {found:?}, expected {expected:?}");
    Ok(())
}
