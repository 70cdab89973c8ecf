use std::net::SocketAddr;
use std::sync::Arc;

use bellwether_scrape::{Health, Resolver, ScrapeOptions};
use tokio::net::UdpSocket;

use crate::harness::Scraping;
use crate::server::{Server, text};

/// A name server whose every name is 127.0.0.1, except for those that start with `none`.
async fn name_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            let question = &buffer[..len];
            let name_end = 12 + question[12..].iter().position(|b| *b == 0).expect("a name ends");
            let mut message = question[..name_end + 5].to_vec();
            let exists = !question[13..].starts_with(b"none");
            message[2..4].copy_from_slice(&[0x81, if exists { 0x80 } else { 0x83 }]);
            message[6..12].copy_from_slice(&[0, u8::from(exists), 0, 0, 0, 0]);
            if exists {
                message.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            socket.send_to(&message, from).await.expect("open");
        }
    });
    address
}

#[tokio::test]
async fn names_become_targets() {
    let server = Server::start(|_| text("m 1\n")).await;
    let resolver = Arc::new(Resolver::with_servers(vec![name_server().await]));
    let options = ScrapeOptions { resolver, ..ScrapeOptions::default() };
    let yaml = format!(
        "job_name: j\nscrape_interval: 50ms\n\
         dns_sd_configs: [{{names: [node.test, none.test], type: A, port: {}}}]",
        server.address.port()
    );
    let scraping = Scraping::start_with(options, &[&yaml]).await;
    let target = scraping.target("a good scrape", |target| target.health == Health::Up).await;
    assert_eq!(target.discovered_labels.get("__meta_dns_name"), Some("node.test"));
    assert_eq!(target.scrape_url, format!("http://127.0.0.1:{}/metrics", server.address.port()));
    let status = scraping.manager.discovery().remove(0);
    assert_eq!((status.mechanism, status.targets, status.last_error), ("dns", 1, None));
    scraping.end().await;
}
