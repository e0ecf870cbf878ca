//! The GraphQL schema: parses input into domain types, translates answers.
