//! The limits on a document: which there are, and which of them a price passes.
//!
//! Not covered here: the rate per principal (`budget`), bodies (`http::body`), page sizes (the resolvers).

use crate::config::limits::{LimitsConfig, LimitsMode};
use crate::graphql::precheck::Cost;

/// Deepest nesting of brackets in a text and of selection sets with spreads in a document. Fixed, also in measure
/// mode: it is what the parser's and the executor's stack bear, not a matter of taste.
pub const NESTING_MAX: usize = 64;

/// Measure mode still refuses documents this many times over a limit: it exists to tune limits, not to open the door.
pub const MEASURE_FACTOR: u64 = 10;

/// A limit on one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Bytes of text.
    DocumentBytes,
    /// Lexical tokens.
    Tokens,
    /// Nesting of brackets, or of selections through fragments.
    Nesting,
    /// A fragment that spreads itself.
    FragmentCycle,
    /// Depth of fields.
    Depth,
    /// Depth of fields inside `__schema` and `__type`.
    IntrospectionDepth,
    /// Expanded fields.
    Fields,
    /// Expanded aliases.
    Aliases,
    /// Expanded directives.
    Directives,
    /// Fields of the root type.
    RootFields,
    /// Fields multiplied by page sizes.
    Complexity,
}

impl Limit {
    /// The limit's name in metrics and in the public text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentBytes => "document_bytes",
            Self::Tokens => "tokens",
            Self::Nesting => "nesting",
            Self::FragmentCycle => "fragment_cycle",
            Self::Depth => "depth",
            Self::IntrospectionDepth => "introspection_depth",
            Self::Fields => "fields",
            Self::Aliases => "aliases",
            Self::Directives => "directives",
            Self::RootFields => "root_fields",
            Self::Complexity => "complexity",
        }
    }
}

/// A limit that a document passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// Which one.
    pub limit: Limit,
    /// The most it allows.
    pub max: u64,
    /// Whether the document is refused; otherwise it is only counted.
    pub refused: bool,
}

/// Whether one measured number passes its limit.
#[must_use]
pub fn excess(config: &LimitsConfig, limit: Limit, found: u64, max: u64) -> Option<Excess> {
    let refused = match config.mode {
        LimitsMode::Enforce => true,
        LimitsMode::Measure => found > max.saturating_mul(MEASURE_FACTOR),
    };
    (found > max).then_some(Excess { limit, max, refused })
}

/// Every limit that a price passes, the refused ones first.
#[must_use]
pub fn excesses(config: &LimitsConfig, cost: &Cost, anonymous: bool) -> Vec<Excess> {
    let (aliases_max, root_fields_max) = if anonymous {
        (config.aliases_anonymous_max, config.root_fields_anonymous_max)
    } else {
        (config.aliases_max, config.root_fields_max)
    };
    let mut found: Vec<Excess> = [
        (Limit::Depth, cost.depth, config.depth_max),
        (
            Limit::IntrospectionDepth,
            cost.introspection_depth,
            config.introspection_depth_max,
        ),
        (Limit::Fields, cost.fields, config.fields_max),
        (Limit::Aliases, cost.aliases, aliases_max),
        (Limit::Directives, cost.directives, config.directives_max),
        (Limit::RootFields, cost.root_fields, root_fields_max),
    ]
    .into_iter()
    .filter_map(|(limit, count, max)| excess(config, limit, count, max))
    .collect();
    found.sort_by_key(|it| !it.refused);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> LimitsConfig {
        crate::config::Config::load(&crate::config::ConfigInputs {
            demo: true,
            ..Default::default()
        })
        .unwrap()
        .limits
    }

    fn refused(config: &LimitsConfig, cost: Cost, anonymous: bool) -> Vec<Limit> {
        excesses(config, &cost, anonymous)
            .into_iter()
            .filter(|it| it.refused)
            .map(|it| it.limit)
            .collect()
    }

    type Priced = fn(u64) -> Cost;

    /// Each limit with the maximum of the shipped configuration and a price that asks for exactly `count` of it.
    fn table() -> Vec<(Limit, u64, bool, Priced)> {
        vec![
            (Limit::Depth, 12, false, |depth| Cost {
                depth,
                ..Cost::default()
            }),
            (Limit::IntrospectionDepth, 20, false, |introspection_depth| Cost {
                introspection_depth,
                ..Cost::default()
            }),
            (Limit::Fields, 2_000, false, |fields| Cost {
                fields,
                ..Cost::default()
            }),
            (Limit::Aliases, 60, false, |aliases| Cost {
                aliases,
                ..Cost::default()
            }),
            (Limit::Aliases, 15, true, |aliases| Cost {
                aliases,
                ..Cost::default()
            }),
            (Limit::Directives, 50, false, |directives| Cost {
                directives,
                ..Cost::default()
            }),
            (Limit::RootFields, 15, false, |root_fields| Cost {
                root_fields,
                ..Cost::default()
            }),
            (Limit::RootFields, 5, true, |root_fields| Cost {
                root_fields,
                ..Cost::default()
            }),
        ]
    }

    #[test]
    fn the_maximum_passes_and_one_more_is_refused() {
        let config = shipped();
        for (limit, max, anonymous, cost) in table() {
            assert!(
                excesses(&config, &cost(max), anonymous).is_empty(),
                "{limit:?} at its maximum"
            );
            assert_eq!(refused(&config, cost(max + 1), anonymous), [limit]);
        }
    }

    #[test]
    fn measuring_counts_what_enforcing_refuses_up_to_the_ceiling() {
        let config = LimitsConfig {
            mode: LimitsMode::Measure,
            ..shipped()
        };
        for (limit, max, anonymous, cost) in table() {
            assert!(excesses(&config, &cost(max), anonymous).is_empty());
            for count in [max + 1, max * MEASURE_FACTOR] {
                assert_eq!(
                    excesses(&config, &cost(count), anonymous),
                    [Excess {
                        limit,
                        max,
                        refused: false
                    }]
                );
            }
            assert_eq!(
                refused(&config, cost(max * MEASURE_FACTOR + 1), anonymous),
                [limit]
            );
        }
    }
}
