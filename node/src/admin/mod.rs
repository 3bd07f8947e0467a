//! The admin port: nodetool's calls and metrics over HTTP, on loopback only.
//!
//! Reading is free to whoever can reach the port. Calls that change something carry a token from a file in the data directory that
//! only the node's user may read.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use helenus_engine::engine::Engine;
use helenus_model::time::Now;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use uuid::Uuid;

pub(crate) mod answers;
mod collect;
mod import;
mod metrics;

use answers::{ImportRequest, TablesRequest, TokenPlace};

use crate::clock;
use crate::config::Config;
use crate::environment::Environment;
use crate::jobs::Jobs;
use crate::real_disk::words;

/// File of the token in the data directory.
const TOKEN_FILE: &str = "admin-token";
/// Header that carries it.
pub(crate) const TOKEN_HEADER: &str = "x-helenus-token";
/// Letters of a token.
pub(crate) const TOKEN_LETTERS: usize = 64;
/// A request's body may be so long.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the admin port needs of the node.
pub(crate) struct Admin {
    pub(crate) environment: Arc<Environment>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) config: Config,
    pub(crate) started: Now,
    pub(crate) token: String,
    /// `nodetool drain`: the sender hears when it is done.
    pub(crate) drain_wanted: UnboundedSender<oneshot::Sender<()>>,
    pub(crate) is_native_up: AtomicBool,
    pub(crate) is_drained: AtomicBool,
}

impl Admin {
    /// Clients are let in, or no more.
    pub(crate) fn set_native_up(&self, up: bool) {
        self.is_native_up.store(up, Ordering::Relaxed);
    }

    /// Everything is on disk, nothing more is taken.
    pub(crate) fn set_drained(&self) {
        self.is_drained.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.is_drained.load(Ordering::Relaxed)
    }
}

/// Makes a new token, which replaces that of an earlier run.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_token(directory: &Path) -> io::Result<String> {
    let token: String = (0..TOKEN_LETTERS / 16).map(|_| format!("{:016x}", clock::seed())).collect();
    let path = directory.join(TOKEN_FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(token.as_bytes())?;
    Ok(token)
}

/// Bytes of data on this node.
pub(crate) fn load_bytes(engine: &Engine) -> u64 {
    engine.stats().tables.iter().map(|table| table.live_bytes).sum()
}

/// Serves the port until the process ends.
pub(crate) async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/nodetool/cluster", get(cluster))
        .route("/nodetool/info", get(info))
        .route("/nodetool/gossipinfo", get(gossip_info))
        .route("/nodetool/tables", get(tables))
        .route("/nodetool/pools", get(pools))
        .route("/nodetool/hints", get(hints))
        .route("/nodetool/endpoints", get(endpoints))
        .route("/nodetool/token", get(token_place))
        .route("/nodetool/flush", post(flush))
        .route("/nodetool/compact", post(compact))
        .route("/nodetool/import", post(import_sstables))
        .route("/nodetool/drain", post(drain))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(admin);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the admin port is closed");
    }
}

/// Why a call is not done.
type Refusal = (StatusCode, String);

type Parameters = Query<std::collections::BTreeMap<String, String>>;

fn json(answer: &impl Serialize) -> Response {
    match serde_json::to_vec(answer) {
        Ok(bytes) => ([("content-type", "application/json")], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], metrics::text(&admin)).into_response()
}

async fn cluster(State(admin): State<Arc<Admin>>, Query(parameters): Parameters) -> Response {
    json(&collect::cluster(&admin, parameters.get("keyspace").map(String::as_str)))
}

async fn info(State(admin): State<Arc<Admin>>) -> Response {
    json(&collect::info(&admin))
}

async fn gossip_info(State(admin): State<Arc<Admin>>) -> Response {
    let text = admin.environment.shared.gossip_info.read().clone();
    text.into_response()
}

async fn tables(State(admin): State<Arc<Admin>>) -> Response {
    json(&collect::tables(&admin))
}

async fn pools(State(admin): State<Arc<Admin>>) -> Response {
    json(&collect::pools(&admin))
}

async fn hints(State(admin): State<Arc<Admin>>) -> Response {
    json(&collect::hints(&admin))
}

async fn token_place(State(admin): State<Arc<Admin>>) -> Response {
    let path = admin.config.base_directory.join(TOKEN_FILE);
    let path = fs::canonicalize(&path).unwrap_or(path);
    json(&TokenPlace { path: path.display().to_string() })
}

async fn endpoints(State(admin): State<Arc<Admin>>, Query(parameters): Parameters) -> Response {
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    match collect::endpoints(&admin, parameter("keyspace"), parameter("table"), parameter("key")) {
        Ok(addresses) => json(&addresses),
        Err(reason) => (StatusCode::BAD_REQUEST, reason).into_response(),
    }
}

/// Refuses who does not know the token. Compared without telling by the time taken how much of it was right.
fn check_token(admin: &Admin, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(TOKEN_HEADER).map_or(&[][..], |value| value.as_bytes());
    let own = admin.token.as_bytes();
    let difference = given.iter().zip(own).fold(given.len() ^ own.len(), |sum, (a, b)| sum | usize::from(a ^ b));
    if difference == 0 {
        return Ok(());
    }
    let text = "this call changes something and needs the token of the data directory";
    Err((StatusCode::FORBIDDEN, text.to_owned()))
}

fn chosen_tables(admin: &Admin, body: &Bytes) -> Result<Vec<Uuid>, Refusal> {
    let refused = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let request: TablesRequest = serde_json::from_slice(body).map_err(|error| refused(error.to_string()))?;
    collect::chosen_tables(admin, &request).map_err(refused)
}

/// Runs what waits for the disk on a thread of its own.
async fn wait_for<E: std::fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<(), E> + Send + 'static,
) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn flush(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Bytes) -> Response {
    let chosen = check_token(&admin, &headers).and_then(|()| chosen_tables(&admin, &body));
    match chosen {
        Ok(tables) => wait_for(move || admin.jobs.flush(&tables)).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn compact(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Bytes) -> Response {
    let chosen = check_token(&admin, &headers).and_then(|()| chosen_tables(&admin, &body));
    match chosen {
        Ok(tables) => wait_for(move || admin.jobs.compact(&tables)).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn import_sstables(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Bytes) -> Response {
    let refused = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let request = check_token(&admin, &headers).and_then(|()| {
        let request: ImportRequest = serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?;
        let tables = TablesRequest { keyspace: Some(request.keyspace.clone()), tables: vec![request.table.clone()] };
        let tables = collect::chosen_tables(&admin, &tables).map_err(refused)?;
        Ok((request, tables))
    });
    match request {
        Ok((request, tables)) => wait_for(move || run_import(&admin, &request, &tables)).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn run_import(admin: &Admin, request: &ImportRequest, tables: &[Uuid]) -> Result<(), String> {
    let [table] = tables else { return Err(format!("Unknown table: {}", request.table)) };
    let view = admin.environment.shared.view.load_full();
    let owns = |token| {
        request.no_tokens || view.replicas(&request.keyspace, token).iter().any(|node| Some(*node) == view.local)
    };
    let mut failed = Vec::new();
    for directory in &request.directories {
        if let Err(error) = import::import(admin, *table, Path::new(directory), request.copy_data, &owns) {
            tracing::error!(%directory, %error, "an import failed");
            failed.push(format!("{directory}: {error}"));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("Some directories failed to import:\n{}", failed.join("\n")))
}

async fn drain(State(admin): State<Arc<Admin>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = check_token(&admin, &headers) {
        return refusal.into_response();
    }
    if admin.is_drained() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let (done, drained) = oneshot::channel();
    if admin.drain_wanted.send(done).is_err() || drained.await.is_err() {
        return (StatusCode::INTERNAL_SERVER_ERROR, words(&io::Error::other("the node is stopping"))).into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::Folder;

    #[test]
    fn tokens_are_for_their_owner_only() {
        let folder = Folder::new("admin-token");
        let first = write_token(folder.path()).expect("written");
        let second = write_token(folder.path()).expect("written");
        assert_ne!(first, second);
        assert_eq!(second.len(), TOKEN_LETTERS);
        let path = folder.path().join(TOKEN_FILE);
        assert_eq!(fs::read_to_string(&path).expect("read"), second);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
