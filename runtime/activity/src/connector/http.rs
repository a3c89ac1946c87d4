//! `http.get`, `post`, `put`, `delete`: one request, JSON both ways.
//!
//! What an answer means is decided by what it proves. A 2xx says it was done, a 4xx that it was not; all else is no
//! answer, and then only what never left this machine did certainly not happen.

use super::{Answer, Failure, LARGEST_BODY, error_in, excerpt, text_argument};
use crate::pulse::Pulse;
use flow_machine::ids::CallKey;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde_json::Value;
use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A connection that isn't there after this long isn't coming; a later attempt may do better.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The header that carries `step.key`.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Clients with their pools of connections, shared by all attempts of a process. Each is made when it is first needed:
/// reading the machine's certificates takes time.
#[derive(Clone, Debug, Default)]
pub struct Http {
    /// For GET: a question may be asked again elsewhere.
    following: Arc<OnceLock<Client>>,
    /// For all else: whether a redirected effect has happened is for the sender to decide.
    staying: Arc<OnceLock<Client>>,
}

impl Http {
    fn client(&self, method: &Method) -> Result<&Client, Failure> {
        let (place, policy) = if *method == Method::GET {
            (&self.following, redirect::Policy::limited(10))
        } else {
            (&self.staying, redirect::Policy::none())
        };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        // Fails only where a provider is installed already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("flow/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(policy)
            .build()
            .map_err(|error| Failure::not_sent(format!("no HTTP client can be made: {}", causes(&error))))?;
        Ok(place.get_or_init(|| client))
    }

    /// Performs `http.{verb}`. The arguments are `url`, `json` (all but `get`), `headers`. What arrives is a sign of life.
    pub async fn perform(
        &self,
        verb: &str,
        args: &[Value],
        key: CallKey,
        pulse: &Pulse,
    ) -> Result<Answer, Failure> {
        let request = Request::new(verb, args)?;
        let mut builder = self.client(&request.method)?.request(request.method.clone(), request.url);
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        // The user's own headers win: several requests of one attempt may need keys of their own.
        let mut headers = HeaderMap::new();
        if let Ok(key) = HeaderValue::from_str(&key.to_string()) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        headers.extend(request.headers);
        match builder.headers(headers).send().await {
            Ok(response) => {
                pulse.beat();
                read(&request.method, response, pulse).await
            }
            Err(error) => Err(no_answer(&request.method, request.url, &error)),
        }
    }
}

/// A request as the program asked for it.
struct Request<'a> {
    method: Method,
    url: &'a str,
    body: Option<Vec<u8>>,
    headers: HeaderMap,
}

impl Request<'_> {
    fn new<'a>(verb: &str, args: &'a [Value]) -> Result<Request<'a>, Failure> {
        let method = match verb {
            "get" => Method::GET,
            "post" => Method::POST,
            "put" => Method::PUT,
            "delete" => Method::DELETE,
            _ => return Err(Failure::refused(format!("there is no connector `http.{verb}`"))),
        };
        let url = text_argument(&format!("http.{verb}"), "url", args.first())?;
        let has_body = method != Method::GET;
        let (json, headers) = if has_body { (args.get(1), args.get(2)) } else { (None, args.get(1)) };
        let body = json.filter(|json| !json.is_null()).map(|json| json.to_string().into_bytes());
        if let Some(size) = body.as_ref().map(Vec::len).filter(|size| *size > LARGEST_BODY) {
            return Err(Failure::refused(format!(
                "the body for {url} has {size} bytes, more than the {LARGEST_BODY} that a step may send: keep large data elsewhere and send its address"
            )));
        }
        Ok(Request { method, url, body, headers: headers_of(headers)? })
    }
}

/// The headers of a JSON object of strings.
fn headers_of(headers: Option<&Value>) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.and_then(Value::as_object).into_iter().flatten() {
        let header = name.parse::<HeaderName>().map_err(|_| format!("`{name}` is no name of an HTTP header"));
        let value = value.as_str().unwrap_or_default();
        // The value may be a secret: it is not shown.
        let value = HeaderValue::from_str(value).map_err(|_| {
            format!("the value of the HTTP header `{name}` has characters that a header can't carry")
        });
        map.insert(header.map_err(Failure::refused)?, value.map_err(Failure::refused)?);
    }
    Ok(map)
}

/// What an answer means.
async fn read(method: &Method, response: Response, pulse: &Pulse) -> Result<Answer, Failure> {
    let status = response.status();
    let what = format!("{method} {} answered {status}", response.url());
    let text = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/"));
    let location = response.headers().get(LOCATION).map(|value| excerpt(value.as_bytes(), false));
    let body = body(response, pulse).await;
    if status.is_success() {
        return match body {
            Ok(bytes) => Ok(Answer::Bytes { bytes, text }),
            // A question has changed nothing, and would be answered the same again.
            Err(Unreadable::TooLarge) if *method == Method::GET => {
                Err(Failure::refused(format!("{what}, but {}", Unreadable::TooLarge.reason())))
            }
            Err(unreadable) => Err(Failure::unknown(format!("{what}, but {}", unreadable.reason()))),
        };
    }
    // What is left says no or nothing; a body that breaks off doesn't change that.
    let body = body.unwrap_or_default();
    let mut reason = what;
    if !body.is_empty() {
        reason = format!("{reason}: {}", excerpt(&body, false));
    }
    if let Some(location) = location {
        reason = format!("{reason} (it points to {location}; only GET follows)");
    }
    if is_answer(status) {
        Err(Failure::Answered { reason, error: error_in(&body) })
    } else {
        Err(Failure::unknown(reason))
    }
}

/// Whether a status other than 2xx says that nothing was done. 408, 425 and 429 speak of this attempt only, and a 302 or
/// 303 is what many services answer once they are done.
fn is_answer(status: StatusCode) -> bool {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => false,
        StatusCode::FOUND | StatusCode::SEE_OTHER => false,
        _ => status.is_client_error() || status.is_redirection(),
    }
}

/// Why a body can't be read.
enum Unreadable {
    TooLarge,
    BrokeOff(String),
}

impl Unreadable {
    fn reason(&self) -> String {
        match self {
            Unreadable::TooLarge => {
                format!("its body has more than the {LARGEST_BODY} bytes that a step may receive")
            }
            Unreadable::BrokeOff(cause) => format!("its body broke off: {cause}"),
        }
    }
}

/// The whole body.
async fn body(mut response: Response, pulse: &Pulse) -> Result<Vec<u8>, Unreadable> {
    if response.content_length().is_some_and(|length| length > LARGEST_BODY as u64) {
        return Err(Unreadable::TooLarge);
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_BODY => return Err(Unreadable::TooLarge),
            Ok(Some(chunk)) => {
                pulse.beat();
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(body),
            Err(error) => return Err(Unreadable::BrokeOff(causes(&error))),
        }
    }
}

fn no_answer(method: &Method, url: &str, error: &reqwest::Error) -> Failure {
    let reason = format!("{method} {url}: {}", causes(error));
    if error.is_builder() {
        Failure::refused(format!("{reason} (a URL looks like `https://host/path`)"))
    } else if error.is_connect() {
        Failure::not_sent(reason)
    } else if error.is_redirect() {
        Failure::refused(reason)
    } else {
        Failure::unknown(reason)
    }
}

/// An error with what caused it; reqwest's own text leaves that out.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Layers often repeat what is below them.
        if !text.ends_with(&inner_text) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}
