//! The GraphQL schema: parses input into domain types, translates answers.

pub mod budget;
pub mod coerce;
pub mod complexity;
pub mod context;
pub(crate) mod descriptions;
pub mod documents;
pub mod executor;
pub mod lexer;
pub mod limits;
pub mod loaders;
pub mod mask;
pub mod mutation;
pub mod omitted;
pub mod paging;
pub mod positions;
pub mod precheck;
pub mod query;
pub(crate) mod reach;
pub mod schema;
pub mod subscription;
pub mod trusted;
pub mod typemap;
pub mod types;
pub mod user_error;
