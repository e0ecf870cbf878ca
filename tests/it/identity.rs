//! Who may call: several issuers at once, sign-in sessions, and access that is taken back.

mod issuers;
mod revocation;
mod sign_in;
