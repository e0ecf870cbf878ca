//! The cache: a miss and a failure look the same to callers.
