//! A case (办件) through its whole life: what it is, what can be asked of it, what follows.

pub mod agent;
pub mod apply;
pub mod available;
pub mod cards;
pub mod clocks;
pub mod command;
pub mod decide;
pub mod evaluate;
pub mod event;
pub mod grid;
pub mod news_version;
pub mod part;
pub mod refusal;
pub mod special;
pub mod state;
pub mod succession;

mod consequences;
mod decline;
mod deliveries;
mod ending;
mod hands;
mod next_step;
mod proposal;
mod recompute;
mod review;
mod route_walk;
mod submit;
mod supervision;
mod supplement;
mod tick;
mod upstream;

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test names the arms it is about")]
mod tests;
