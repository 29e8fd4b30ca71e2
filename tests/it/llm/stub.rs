//! A server of an OpenAI-compatible interface that does what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use kenning::llm::settings::RemoteSettings;
use kenning::llm::{Message, Request};
use serde_json::{Value, json};

/// What the server does with one connection.
pub enum Act {
    /// Sends these bytes and closes.
    Say(Vec<u8>),
    /// Closes without a word.
    Close,
    /// Sends these bytes and nothing more until the client goes away.
    Hang(Vec<u8>),
}

/// A server that acts once per connection, and then gives back what it was sent.
pub struct Server {
    pub url: String,
    pub thread: JoinHandle<Vec<(String, Value)>>,
}

impl Server {
    pub fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let thread =
            std::thread::spawn(move || acts.into_iter().map(|act| serve(&listener, act)).collect());
        Self { url, thread }
    }

    pub fn settings(&self) -> RemoteSettings {
        RemoteSettings {
            timeout_seconds: 5.0,
            ..RemoteSettings::new(&self.url, "test-model")
        }
    }
}

fn serve(listener: &TcpListener, act: Act) -> (String, Value) {
    let (mut stream, _) = listener.accept().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let asked = read(&mut stream);
    match act {
        Act::Say(bytes) => drop(stream.write_all(&bytes)),
        Act::Close => {}
        Act::Hang(bytes) => {
            stream.write_all(&bytes).unwrap();
            let patience = Some(Duration::from_secs(60));
            stream.set_read_timeout(patience).unwrap();
            let _ = stream.read(&mut [0]);
        }
    }
    asked
}

fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(
            reader.read_line(&mut head).unwrap() > 0,
            "the client went away"
        );
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

pub fn http(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    Act::Say(text.into_bytes())
}

pub fn said(text: &str) -> Act {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
    });
    http(
        "200 OK",
        "content-type: application/json\r\n",
        &body.to_string(),
    )
}

pub fn ask() -> Request {
    Request::new(
        vec![Message::system("Be brief."), Message::user("Hello?")],
        16,
    )
}
