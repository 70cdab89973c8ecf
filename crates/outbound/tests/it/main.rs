//! What a user of the client relies on, against real local servers.
