//! The servers to compare with. Each is a process of its own, whose time the kernel counts.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Subcommand;
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Res;
use crate::process::say;

/// The listening yardsticks.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Yardstick {
    /// hyper with a fixed answer.
    Hyper {
        /// The answer, as it came from the server under test.
        answer: PathBuf,
    },
    /// axum with a fixed answer.
    Axum {
        /// The answer, as it came from the server under test.
        answer: PathBuf,
    },
    /// hyper with one SQLite query per request, run where the request is read.
    SqliteInline {
        /// The headers, as they came from the server under test.
        answer: PathBuf,
        /// A store of the server under test, ended.
        store: PathBuf,
    },
    /// The server under test itself, with one commit per write.
    PerRequestCommit {
        /// A store of the server under test, ended.
        store: PathBuf,
    },
}

/// Runs a yardstick until it is killed.
pub(crate) fn serve(yardstick: &Yardstick) -> Res<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        match yardstick {
            Yardstick::Hyper { answer } => {
                let answer = Fixed::read(answer)?;
                say(address)?;
                hyper_loop(listener, move |_| Ok(answer.clone().into_response())).await
            }
            Yardstick::Axum { answer } => {
                let answer = Fixed::read(answer)?;
                let get = move || async move { (answer.headers.clone(), answer.body.clone()) };
                let router = axum::Router::new().route("/open-apis/im/v2/tags", axum::routing::get(get));
                say(address)?;
                Ok(axum::serve(axum::serve::ListenerExt::tap_io(listener, nodelay), router).await?)
            }
            Yardstick::SqliteInline { answer, store } => {
                let headers = Fixed::read(answer)?.headers;
                let database = inline_database(store)?;
                say(address)?;
                let answer = move |request: &hyper::Request<_>| {
                    let body = inline_query(&database, request.uri().query().unwrap_or_default())?;
                    Ok(Fixed { headers: headers.clone(), body: body.into() }.into_response())
                };
                hyper_loop(listener, answer).await
            }
            Yardstick::PerRequestCommit { store } => crate::embedded::serve(listener, store).await,
        }
    })
}

fn nodelay(stream: &mut tokio::net::TcpStream) {
    let _ = stream.set_nodelay(true);
}

async fn hyper_loop(
    listener: TcpListener,
    answer: impl Fn(&hyper::Request<hyper::body::Incoming>) -> Res<hyper::Response<Full<Bytes>>>
    + Clone
    + Send
    + Sync
    + 'static,
) -> Res<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        nodelay(&mut stream);
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&request).unwrap_or_else(|error| {
                    let mut response = hyper::Response::new(Full::new(error.to_string().into()));
                    *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
                    response
                });
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .title_case_headers(true)
                .serve_connection(TokioIo::new(stream), service);
            // A client that disconnects is not an error here.
            let _ = connection.await;
        });
    }
}

/// A constant answer, except for the date.
#[derive(Clone)]
struct Fixed {
    headers: HeaderMap,
    body: Bytes,
}

impl Fixed {
    fn read(file: &Path) -> Res<Self> {
        let bytes = fs::read(file)?;
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no head")?;
        let mut headers = HeaderMap::new();
        for line in std::str::from_utf8(&bytes[..at])?.lines().skip(1) {
            let (name, value) = line.split_once(": ").ok_or("not a header")?;
            let name: HeaderName = name.parse()?;
            // The library writes these two itself.
            if name != hyper::header::DATE && name != hyper::header::CONTENT_LENGTH {
                headers.insert(name, HeaderValue::from_str(value)?);
            }
        }
        Ok(Fixed { headers, body: Bytes::copy_from_slice(&bytes[at + 4..]) })
    }

    fn into_response(self) -> hyper::Response<Full<Bytes>> {
        let mut response = hyper::Response::new(Full::new(self.body));
        *response.headers_mut() = self.headers;
        response
    }
}

/// A store's tags, as a server would keep them that reads SQLite for each request: as answers, ready to be joined.
fn inline_database(store: &Path) -> Res<PathBuf> {
    let path = store.join("inline.db");
    if path.exists() {
        return Ok(path);
    }
    let database = rusqlite::Connection::open(&path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.execute("ATTACH ?1 AS store", [store.join("larkspur.db").to_string_lossy()])?;
    database.execute_batch(
        "CREATE TABLE main.ready (tag_id INTEGER PRIMARY KEY, json TEXT NOT NULL);
         INSERT INTO main.ready SELECT tag_id, '{\"id\":\"' || tag_id || '\",\"tag_type\":\"' || tag_type || '\",\"name\":\"'
           || name || '\",\"i18n_names\":' || i18n_names || ',\"create_time\":\"' || create_time
           || '\",\"update_time\":\"' || update_time || '\"}' FROM store.tag;",
    )?;
    Ok(path)
}

fn inline_query(database: &Path, query: &str) -> Res<Vec<u8>> {
    thread_local! {
        static CONNECTION: RefCell<Option<rusqlite::Connection>> = const { RefCell::new(None) };
    }
    CONNECTION.with_borrow_mut(|slot| {
        let connection = match slot {
            Some(connection) => connection,
            None => {
                let connection = rusqlite::Connection::open(database)?;
                connection.pragma_update(None, "cache_size", -65_536)?;
                slot.insert(connection)
            }
        };
        let ids: Vec<i64> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("ids="))
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let mut body = Vec::with_capacity(ids.len() * 256 + 64);
        body.extend_from_slice(br#"{"code":0,"msg":"success","data":{"tag_infos":["#);
        let marks = vec!["?"; ids.len()].join(",");
        let mut statement =
            connection.prepare_cached(&format!("SELECT json FROM ready WHERE tag_id IN ({marks})"))?;
        let mut rows = statement.query(rusqlite::params_from_iter(ids))?;
        let mut first = true;
        while let Some(row) = rows.next()? {
            if !std::mem::take(&mut first) {
                body.push(b',');
            }
            body.extend_from_slice(row.get_ref(0)?.as_str()?.as_bytes());
        }
        body.extend_from_slice(b"]}}");
        Ok(body)
    })
}
