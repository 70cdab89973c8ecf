//! A web service whose requests, cache, connections and health can be watched.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use axum::{Router, serve};
use bellwether_sdk::domain::{Cache, Caches, Checkout, Pool, Pools};
use bellwether_sdk::health::{Answer, Health, Severity};
use bellwether_sdk::host::Process;
use bellwether_sdk::http::MetricsLayer;
use bellwether_sdk::{Exposition, RegisterError, Registry, Request};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};
use tracing::info;

const N_CONNECTIONS: usize = 4;
const MAX_CACHED_ITEMS: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let registry = Registry::new();
    let shop = Shop::new(&registry)?;

    let process = Process::register(&registry)?;
    let _process = registry.collector("process", Duration::from_secs(10), move || process.refresh())?;
    let health = Health::register(&registry)?;
    let connections = Arc::clone(&shop.connections);
    let has_free_connection = move || connections.try_acquire().map(drop);
    let (every, within) = (Duration::from_secs(5), Duration::from_secs(1));
    health.check("database", Severity::Critical, every, within, has_free_connection)?;

    let catalogue = Router::new().route("/items/{sku}", get(item));
    let requests = MetricsLayer::builder()
        .skip(["/metrics", "/health", "/health/live", "/health/ready"])
        .register(&registry)?;
    let app = Router::new()
        .route("/orders/{number}", get(order))
        .nest("/catalogue", catalogue)
        .with_state(shop)
        .merge(operations(registry, health))
        // The last one, so that it is around everything, and also sees what no route matches.
        .layer(requests);

    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(addr).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    info!("listens on http://{}", listener.local_addr()?);
    let stopped = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        info!("answers what it has begun, and stops");
    };
    serve(listener, app).with_graceful_shutdown(stopped).await?;
    Ok(())
}

/// What is there for those who run the service.
fn operations(registry: Registry, health: Health) -> Router {
    async fn metrics(State(registry): State<Registry>, head: Parts) -> Exposition {
        registry.expose(&Request::from_parts(&head))
    }
    async fn report(State(health): State<Health>) -> Answer {
        health.report()
    }
    async fn live(State(health): State<Health>) -> Answer {
        health.live()
    }
    async fn ready(State(health): State<Health>) -> Answer {
        health.ready()
    }
    let health = Router::new()
        .route("/health", get(report))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(health);
    Router::new().route("/metrics", get(metrics)).with_state(registry).merge(health)
}

#[derive(Clone)]
struct Shop {
    items: Arc<Mutex<HashMap<u32, String>>>,
    item_cache: Cache,
    connections: Arc<Semaphore>,
    connection_pool: Pool,
}

/// A connection to the database, which this example only plays.
struct Connection<'s> {
    _permit: SemaphorePermit<'s>,
    _checkout: Checkout,
}

impl Shop {
    fn new(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            items: Arc::default(),
            item_cache: Caches::register(registry)?.cache("memory", "items"),
            connections: Arc::new(Semaphore::new(N_CONNECTIONS)),
            connection_pool: Pools::register(registry)?.pool("orders", N_CONNECTIONS as u64),
        })
    }

    /// Waits for a connection, but not long.
    async fn connection(&self) -> Result<Connection<'_>, StatusCode> {
        let waiting = self.connection_pool.wait();
        if let Ok(Ok(permit)) = timeout(Duration::from_millis(500), self.connections.acquire()).await {
            return Ok(Connection { _permit: permit, _checkout: waiting.acquired() });
        }
        waiting.timed_out();
        Err(StatusCode::SERVICE_UNAVAILABLE)
    }

    fn items(&self) -> MutexGuard<'_, HashMap<u32, String>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, sku: u32, item: &str) {
        let mut items = self.items();
        if items.len() >= MAX_CACHED_ITEMS {
            self.item_cache.evict(items.len() as u64);
            items.clear();
        }
        items.insert(sku, item.to_owned());
        let n_bytes: usize = items.values().map(String::len).sum();
        self.item_cache.set_size(items.len() as u64, n_bytes as u64);
    }
}

impl Connection<'_> {
    async fn fetch(&self, what: &str) -> String {
        sleep(Duration::from_millis(5)).await;
        format!("{what}\n")
    }
}

async fn order(State(shop): State<Shop>, Path(number): Path<u64>) -> Result<String, StatusCode> {
    if number == 0 {
        return Err(StatusCode::NOT_FOUND);
    }
    let connection = shop.connection().await?;
    Ok(connection.fetch(&format!("order {number}")).await)
}

async fn item(State(shop): State<Shop>, Path(sku): Path<u32>) -> Result<String, StatusCode> {
    let cached = shop.item_cache.lookup(|| shop.items().get(&sku).cloned());
    if let Some(item) = cached {
        return Ok(item);
    }
    let item = shop.connection().await?.fetch(&format!("item {sku}")).await;
    shop.keep(sku, &item);
    Ok(item)
}
