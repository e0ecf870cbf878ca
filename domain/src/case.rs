//! A case (办件) through its whole life: what it is, what can be asked of it, what follows.

pub mod apply;
pub mod available;
pub mod clocks;
pub mod command;
pub mod decide;
pub mod event;
pub mod refusal;
pub mod state;

mod review;
mod route_walk;
mod submit;
mod tick;
mod upstream;

#[cfg(test)]
mod tests;
