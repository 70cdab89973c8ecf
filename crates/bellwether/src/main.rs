//! The `bellwether` program: reads the configuration, wires the rooms together and runs until it is told to stop.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    Ok(())
}
