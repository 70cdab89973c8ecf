//! Every HTTP surface of the server, and the embedded UI.
