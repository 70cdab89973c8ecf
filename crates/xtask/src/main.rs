//! What the build needs beyond cargo: `cargo run -p xtask -- conformance`.

#[cfg(test)]
mod layers;

fn main() -> anyhow::Result<()> {
    Ok(())
}
