//! A service that takes messages, or does not.
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Takes requests, answers them, and remembers them.
pub(crate) struct Service {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<String>>>,
    came: Arc<Notify>,
}

/// What a service does about a request.
pub(crate) enum Answer {
    /// The status line without the version, and headers.
    Say(String, String),
    /// It closes the connection.
    Close,
    /// It says nothing for ever.
    Hang,
}

impl Service {
    /// Answers with one status after the other, the last of them for ever. An empty status is no answer at all.
    pub(crate) async fn start(answers: &'static [&'static str]) -> Self {
        Self::start_with(|n, _| match answers[n.min(answers.len() - 1)] {
            "" => Answer::Close,
            status => Answer::Say(status.to_owned(), "because".to_owned()),
        })
        .await
    }

    /// Answers with what is made of how many requests there were before, and of the request.
    pub(crate) async fn start_with(mut answer: impl FnMut(usize, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let service = Self::at(&listener);
        let (seen, came) = (Arc::clone(&service.got), Arc::clone(&service.came));
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            let mut n = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let mut buffer = [0; 4096];
                while !is_whole(&bytes) {
                    match stream.read(&mut buffer).await {
                        Ok(len @ 1..) => bytes.extend_from_slice(&buffer[..len]),
                        _ => break,
                    }
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let answer = answer(n, &text);
                n += 1;
                seen.lock().expect("no panic").push(text);
                came.notify_one();
                match answer {
                    Answer::Say(status, body) => {
                        let reply = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n{body}");
                        let _ = stream.write_all(reply.as_bytes()).await;
                    }
                    Answer::Close => {}
                    Answer::Hang => hanging.push(stream),
                }
            }
        });
        service
    }

    /// One that takes connections and says nothing, or that is not there once the listener is dropped.
    pub(crate) fn at(listener: &TcpListener) -> Self {
        let url = format!("http://{}/hook/secret", listener.local_addr().expect("bound"));
        Self { url, got: Arc::default(), came: Arc::default() }
    }

    /// What it was sent so far.
    pub(crate) fn got(&self) -> Vec<String> {
        self.got.lock().expect("no panic").clone()
    }

    /// What it was sent, once that is so many requests.
    pub(crate) async fn wait_for(&self, n: usize) -> Vec<String> {
        while self.got().len() < n {
            self.came.notified().await;
        }
        self.got()
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let length = String::from_utf8_lossy(&bytes[..end])
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    bytes.len() - end - 4 >= length.unwrap_or(0)
}
