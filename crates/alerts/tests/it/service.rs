//! A service that takes messages, or does not.
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Answers with one status after the other, the last of them for ever, and remembers what it was sent. An empty status is no answer at all.
pub(crate) struct Service {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<String>>>,
    came: Arc<Notify>,
}

impl Service {
    pub(crate) async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let service = Self::at(&listener);
        let (seen, came) = (Arc::clone(&service.got), Arc::clone(&service.came));
        tokio::spawn(async move {
            let mut n = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while !is_whole(&text) {
                    match stream.read(&mut buffer).await {
                        Ok(len @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..len])),
                        _ => break,
                    }
                }
                seen.lock().expect("no panic").push(text);
                came.notify_one();
                let answer = answers[n.min(answers.len() - 1)];
                n += 1;
                let reply = format!("HTTP/1.1 {answer}\r\nconnection: close\r\n\r\nbecause");
                if !answer.is_empty() {
                    let _ = stream.write_all(reply.as_bytes()).await;
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

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
