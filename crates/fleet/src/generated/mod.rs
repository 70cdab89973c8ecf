//! What `bellwether pack gen --kinds rust` makes of the packs. A test makes it again and compares.

#[rustfmt::skip]
#[expect(unreachable_pub, reason = "it is made for a library")]
pub(crate) mod causal;
#[rustfmt::skip]
#[expect(unreachable_pub, reason = "as above")]
pub(crate) mod cugar;
#[rustfmt::skip]
#[expect(unreachable_pub, reason = "as above")]
pub(crate) mod dag;
#[rustfmt::skip]
#[expect(unreachable_pub, reason = "as above")]
pub(crate) mod devskyy;
#[rustfmt::skip]
#[expect(unreachable_pub, clippy::enum_variant_names, reason = "as above, and it is made of words that are given")]
pub(crate) mod genesis;
#[rustfmt::skip]
#[expect(unreachable_pub, reason = "as above")]
pub(crate) mod process;
