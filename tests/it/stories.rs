//! The stories of the first slice, told over HTTP: an application travels from a village to the county and back.
#![expect(
    clippy::needless_pass_by_value,
    reason = "json! literals read best when handed over"
)]

mod acts;
mod admissions;
mod attachment_faults;
mod attachment_s3;
pub(crate) mod attachments;
mod backlog;
mod bad_input;
mod board;
mod bound;
mod by_hand;
mod calendar;
mod callback_styles;
mod card_list;
mod city;
mod city311;
mod city_presets;
mod city_seat;
mod clocks;
mod deadlines;
mod desk;
mod disconnects;
mod drafts;
mod evaluation;
mod every_item;
mod evidence;
mod feed;
mod follow;
mod grid;
mod idempotency;
mod isolation;
mod journey;
pub(crate) mod kit;
mod lanes;
mod linkage;
mod lists;
mod live;
mod neighbours;
mod notices;
mod offices;
mod pace;
mod past;
mod permutations;
mod polling;
mod races;
mod readers;
mod reconcile_beside;
mod reconciliation;
mod redelivery;
mod silence;
mod subscribers;
mod succession;
mod supervision;
mod tellings;
mod to_be_told;
mod trouble;
