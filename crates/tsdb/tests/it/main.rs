//! What users of the store rely on, through its public interface only.

mod acceptance;
mod budget;
mod crash;
mod damage;
mod deletes;
mod full_disk;
mod golden;
mod isolation;
mod kit;
mod limits;
mod model;
mod reads;
mod recovery;
mod snapshots;
mod starts;
mod upkeep;
mod verify;
mod writes;
