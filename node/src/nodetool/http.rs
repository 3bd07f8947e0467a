//! Just enough of HTTP for the admin port: one request a connection, on loopback.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admin::answers::{ClusterAnswer, TokenPlace};
use crate::admin::{TOKEN_HEADER, TOKEN_LETTERS};
use crate::real_disk::words;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take; a compaction takes its time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// Longest answer.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why a command failed; each kind has its place in Cassandra's output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// No node answers.
    Connect(String),
    /// It is said on stdout.
    Printed(String),
    /// The node refused.
    Node(String),
}

/// A node's admin port.
#[derive(Debug)]
pub(super) struct Client {
    host: String,
    port: u16,
}

impl Client {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Client { host: host.to_owned(), port }
    }

    fn connect(&self) -> Result<TcpStream, Failure> {
        let refused = |error: io::Error| {
            let class = match error.kind() {
                io::ErrorKind::ConnectionRefused => "ConnectException",
                io::ErrorKind::TimedOut => "SocketTimeoutException",
                _ => "IOException",
            };
            let text = format!("Failed to connect to '{}:{}' - {class}: '{}'.", self.host, self.port, words(&error));
            Failure::Connect(text)
        };
        let mut addresses = (self.host.as_str(), self.port).to_socket_addrs().map_err(refused)?;
        let address = addresses.next().ok_or_else(|| refused(io::Error::other("no address")))?;
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).map_err(refused)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(refused)?;
        Ok(stream)
    }

    /// One request; the answer's status and body.
    fn exchange(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        let mut stream = self.connect()?;
        let token = token.map(|token| format!("{TOKEN_HEADER}: {token}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} /nodetool/{path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\n{token}content-length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = Vec::new();
        let exchanged = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body))
            .and_then(|()| stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer));
        exchanged.map_err(|error| Failure::Connect(format!("the node broke off: {}", words(&error))))?;
        split_answer(&answer).ok_or_else(|| Failure::Connect("the node's answer is no HTTP".to_owned()))
    }

    fn get_bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        accepted(self.exchange("GET", path, None, &[])?)
    }

    /// A text.
    pub(super) fn text(&self, path: &str) -> Result<String, Failure> {
        Ok(String::from_utf8_lossy(&self.get_bytes(path)?).into_owned())
    }

    /// An answer.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let bytes = self.get_bytes(path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Node(format!("the node's answer makes no sense: {error}")))
    }

    /// An answer to a question with parameters.
    pub(super) fn get_with<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, &str)]) -> Result<T, Failure> {
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        self.get(&format!("{path}?{}", parameters.join("&")))
    }

    /// The cluster, and who owns how much of a keyspace.
    pub(super) fn cluster(&self, keyspace: Option<&str>) -> Result<ClusterAnswer, Failure> {
        match keyspace {
            Some(keyspace) => self.get_with("cluster", &[("keyspace", keyspace)]),
            None => self.get("cluster"),
        }
    }

    /// Has the node do something.
    pub(super) fn post(&self, path: &str, request: &impl Serialize) -> Result<(), Failure> {
        let place: TokenPlace = self.get("token")?;
        let token = std::fs::read_to_string(&place.path).map_err(|error| {
            Failure::Node(format!("{}: {}: only the node's user may change something", place.path, words(&error)))
        })?;
        // Whoever answers here names the file: nothing but a token leaves this process.
        if token.len() != TOKEN_LETTERS || !token.bytes().all(|letter| letter.is_ascii_hexdigit()) {
            return Err(Failure::Node(format!("{} is no token of a Helenus node", place.path)));
        }
        let body = serde_json::to_vec(request).map_err(|error| Failure::Node(error.to_string()))?;
        accepted(self.exchange("POST", path, Some(&token), &body)?).map(|_| ())
    }
}

fn accepted((status, body): (u16, Vec<u8>)) -> Result<Vec<u8>, Failure> {
    let reason = || String::from_utf8_lossy(&body).into_owned();
    match status {
        200..=299 => Ok(body),
        400 => Err(Failure::Usage(reason())),
        _ => Err(Failure::Node(format!("{} ({status})", reason()))),
    }
}

/// Status and body; the connection's end is the body's.
fn split_answer(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.get(end + 4..)?.to_vec()))
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_split() {
        let check = |answer: &str, expected: Option<(u16, &str)>| {
            let found = split_answer(answer.as_bytes());
            assert_eq!(found, expected.map(|(status, body)| (status, body.as_bytes().to_vec())), "{answer:?}");
        };
        check("HTTP/1.0 200 OK\r\na: b\r\n\r\nbody\r\n\r\n", Some((200, "body\r\n\r\n")));
        check("HTTP/1.1 204 No Content\r\n\r\n", Some((204, "")));
        check("HTTP/1.1 200 OK\r\n", None);
        check("SSH-2.0\r\n\r\n", None);
        check("HTTP/1.1\r\n\r\n", None);
    }

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(percent_encoded("a b&c=ü%"), "a%20b%26c%3D%C3%BC%25");
    }

    #[test]
    fn refusals_have_kinds() {
        let check =
            |status, expected: Result<Vec<u8>, Failure>| assert_eq!(accepted((status, b"x".to_vec())), expected);
        check(200, Ok(b"x".to_vec()));
        check(400, Err(Failure::Usage("x".to_owned())));
        check(403, Err(Failure::Node("x (403)".to_owned())));
    }
}
