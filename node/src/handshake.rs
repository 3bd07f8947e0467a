//! The first words on a link between nodes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use helenus_cluster::link::{HELLO_HEAD_BYTES, Hello, HelloError};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long the other end may take for its part of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// A link did not come about.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    /// Nothing listens there, or it does not answer.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its words are wrong.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// It takes too long.
    #[error("no answer in time")]
    Timeout,
}

/// Reads the other end's hello.
async fn read_hello(stream: &mut TcpStream) -> Result<Hello, LinkError> {
    let mut head = [0; HELLO_HEAD_BYTES];
    stream.read_exact(&mut head).await?;
    let mut rest = vec![0; Hello::rest_length(&head)?];
    stream.read_exact(&mut rest).await?;
    Ok(Hello::decode(&head, &rest)?)
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    timeout(limit, work).await.map_err(|_| LinkError::Timeout)?
}

/// Opens a link: both ends introduce themselves. A node that is of another cluster is told who asked, then refused.
pub(crate) async fn connect(to: SocketAddr, own: &Hello, limit: Duration) -> Result<(TcpStream, Hello), LinkError> {
    within(limit + HANDSHAKE_TIMEOUT, async {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // The other nodes know this one by its own address.
        if own.internode.is_ipv4() == to.is_ipv4() {
            socket.bind(SocketAddr::new(own.internode.ip(), 0))?;
        }
        let mut stream = within(limit, async { Ok(socket.connect(to).await?) }).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&own.encode()).await?;
        let hello = read_hello(&mut stream).await?;
        hello.check(own)?;
        Ok((stream, hello))
    })
    .await
}

/// Takes a link that another node opens; `own` makes this node's hello for the kind that is asked for.
pub(crate) async fn accept(stream: &mut TcpStream, own: impl Fn(&Hello) -> Hello) -> Result<Hello, LinkError> {
    within(HANDSHAKE_TIMEOUT, async {
        stream.set_nodelay(true)?;
        let hello = read_hello(stream).await?;
        let own = own(&hello);
        // The answer goes out also where it is a refusal: the other end then knows what is wrong.
        stream.write_all(&own.encode()).await?;
        hello.check(&own)?;
        Ok(hello)
    })
    .await
}
