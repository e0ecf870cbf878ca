//! The HTTP edge: authenticates, bounds and answers requests.

pub mod answer;
pub mod attachments;
pub mod body;
pub mod callbacks;
pub mod caller;
pub mod correlation;
pub mod cors;
pub mod crowd;
pub mod csrf;
pub mod edge;
pub mod envelope;
pub mod graphiql;
pub mod graphql_endpoint;
pub mod head;
pub mod health;
pub mod home;
pub mod metrics;
pub mod negotiate;
pub mod pipeline;
pub mod problem;
pub mod server;
pub mod sockets;
pub mod sse;
pub mod status;
pub mod verify;
pub mod websocket;
