//! An endpoint of an OpenAI-compatible interface that does what it is told.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use kenning::llm::settings::RemoteSettings;
use kenning::llm::{Message, Request};
use serde_json::{Value, json};

/// What the endpoint does with one connection.
#[derive(Clone)]
pub enum Act {
    /// Sends these bytes and closes.
    Say(Vec<u8>),
    /// Closes without a word.
    Close,
    /// Sends these bytes and nothing more until the client goes away.
    Hang(Vec<u8>),
}

/// What an endpoint was sent: the head in small letters, and the body.
pub type Asked = (String, Value);

/// An endpoint; its threads end with its acts, or with the process.
pub struct Endpoint {
    pub port: u16,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    /// Connections that wait for their act, and the most that ever did at once.
    now: usize,
    most: usize,
    is_held: bool,
}

impl Endpoint {
    /// One that acts once per connection, and then is gone.
    pub fn new(acts: Vec<Act>) -> Self {
        Self::acting(acts.into_iter(), Seen::default())
    }

    /// One that does the same with everyone.
    pub fn always(act: Act) -> Self {
        Self::acting(std::iter::repeat(act), Seen::default())
    }

    /// The same, which does nothing before it is let go.
    pub fn held(act: Act) -> Self {
        let held = Seen {
            is_held: true,
            ..Seen::default()
        };
        Self::acting(std::iter::repeat(act), held)
    }

    fn acting(acts: impl Iterator<Item = Act> + Send + 'static, seen: Seen) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            seen: Mutex::new(seen),
            changed: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for act in acts {
                    let (stream, _) = listener.accept().unwrap();
                    // A client that goes away in the middle is part of the game.
                    scope.spawn(|| shared.serve(stream, act));
                }
            });
        });
        Self {
            port,
            state,
            thread,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn settings(&self) -> RemoteSettings {
        RemoteSettings {
            timeout_seconds: 5.0,
            ..RemoteSettings::new(format!("{}/", self.url()), "test-model")
        }
    }

    /// Lets those go who wait, and all who come.
    pub fn let_go(&self) {
        self.state.seen.lock().unwrap().is_held = false;
        self.state.changed.notify_all();
    }

    /// How often it was asked so far.
    pub fn calls(&self) -> usize {
        self.state.seen.lock().unwrap().asked.len()
    }

    /// How many waited at once.
    pub fn most(&self) -> usize {
        self.state.seen.lock().unwrap().most
    }

    /// What it was sent in all of its acts.
    pub fn join(self) -> Vec<Asked> {
        self.thread.join().unwrap();
        std::mem::take(&mut self.state.seen.lock().unwrap().asked)
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream, act: Act) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let asked = read(&mut stream)?;
        self.wait(asked);
        match act {
            Act::Say(bytes) => stream.write_all(&bytes),
            Act::Close => Ok(()),
            Act::Hang(bytes) => {
                stream.write_all(&bytes)?;
                stream.read(&mut [0]).map(drop)
            }
        }
    }

    fn wait(&self, asked: Asked) {
        let mut seen = self.seen.lock().unwrap();
        seen.asked.push(asked);
        seen.now += 1;
        seen.most = seen.most.max(seen.now);
        let mut seen = self.changed.wait_while(seen, |seen| seen.is_held).unwrap();
        seen.now -= 1;
    }
}

fn read(stream: &mut TcpStream) -> Result<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.to_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap();
    Ok((head, body))
}

/// A response.
pub fn http(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    Act::Say(text.into())
}

/// A response of JSON.
pub fn replied(body: &Value) -> Act {
    let headers = "content-type: application/json\r\n";
    http("200 OK", headers, &body.to_string())
}

/// A chat completion that says `text`.
pub fn said(text: &str) -> Act {
    replied(&json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
    }))
}

pub fn ask() -> Request {
    Request::new(
        vec![Message::system("Be brief."), Message::user("Hello?")],
        16,
    )
}
