//! The GraphQL schema: parses input into domain types, translates answers.

pub mod budget;
pub mod coerce;
pub mod complexity;
pub mod context;
pub mod documents;
pub mod executor;
pub mod lexer;
pub mod limits;
pub mod mask;
pub mod omitted;
pub mod precheck;
pub mod trusted;
pub mod typemap;
