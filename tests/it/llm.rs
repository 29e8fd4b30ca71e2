//! Language models: a tiny random one in this process, a server that the test plays, and recorded replies.

mod families;
mod local;
mod remote;
mod replay;
mod score;
mod settings;
mod stream;
pub mod tiny;
