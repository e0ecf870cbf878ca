//! Which media type a GraphQL answer has (RFC 9110 §12.5.1, GraphQL over HTTP §Accept).

use actix_web::http::header::{self, HeaderMap};
use mime::Mime;

use crate::http::correlation::thousandths;

/// Media ranges that are read from one request.
const RANGES_MAX: usize = 32;

/// A media type this endpoint can answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: what clients without a preference get.
    Json,
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `text/event-stream`: subscriptions.
    EventStream,
}

impl Media {
    /// Value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
        }
    }

    const fn essence(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::GraphqlResponse => ("application", "graphql-response+json"),
            Self::EventStream => ("text", "event-stream"),
        }
    }
}

/// The media type the caller likes best; `None` when none of ours will do. A missing or empty header accepts all.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let wanted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .filter_map(|it| it.to_str().ok())
        .collect();
    if wanted.iter().all(|it| it.trim().is_empty()) {
        return Some(Media::Json);
    }
    let ranges: Vec<Range> = wanted
        .iter()
        .flat_map(|it| it.split(','))
        .take(RANGES_MAX)
        .filter_map(Range::read)
        .collect();
    let named = |media: Media| {
        ranges
            .iter()
            .any(|it| it.specificity(media) == Some(Specificity::Exact))
    };
    // The order breaks ties: a wildcard means JSON, but the GraphQL type wins over JSON when it is named.
    let offers = if named(Media::GraphqlResponse) {
        [Media::GraphqlResponse, Media::Json, Media::EventStream]
    } else {
        [Media::Json, Media::GraphqlResponse, Media::EventStream]
    };
    let mut best: Option<(u16, Media)> = None;
    for media in offers {
        let quality = quality(&ranges, media);
        // Nobody gets an endless stream by wildcard.
        let offered = quality > 0 && (media != Media::EventStream || named(media));
        if offered && best.is_none_or(|(least, _)| quality > least) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media)
}

/// The most specific range decides, whatever its place.
fn quality(ranges: &[Range], media: Media) -> u16 {
    ranges
        .iter()
        .filter_map(|it| it.specificity(media).map(|specificity| (specificity, it.quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

struct Range {
    mime: Mime,
    quality: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Anything,
    Kind,
    Exact,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let mime: Mime = text.trim().parse().ok()?;
        let utf8 = mime
            .get_param(mime::CHARSET)
            .is_none_or(|it| it.as_str().eq_ignore_ascii_case("utf-8"));
        let quality = mime.get_param("q").map_or(1_000, |it| thousandths(it.as_str()));
        utf8.then_some(Self { mime, quality })
    }

    fn specificity(&self, media: Media) -> Option<Specificity> {
        let (kind, subtype) = media.essence();
        let (_, wanted) = self.mime.essence_str().split_once('/')?;
        match (self.mime.type_().as_str(), wanted) {
            ("*", "*") => Some(Specificity::Anything),
            (a, "*") if a == kind => Some(Specificity::Kind),
            (a, b) if a == kind && b == subtype => Some(Specificity::Exact),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn chosen(accept: &'static str) -> Option<Media> {
        negotiate(
            TestRequest::default()
                .insert_header(("accept", accept))
                .to_http_request()
                .headers(),
        )
    }

    #[test]
    fn the_better_liked_type_is_chosen() {
        assert_eq!(
            negotiate(TestRequest::default().to_http_request().headers()),
            Some(Media::Json)
        );
        for (accept, media) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            (
                "application/json; charset=utf-8, application/graphql-response+json",
                Some(Media::GraphqlResponse),
            ),
            (
                "application/json, application/graphql-response+json;q=0.5",
                Some(Media::Json),
            ),
            (
                "application/json;q=0.2, application/graphql-response+json;q=0.5",
                Some(Media::GraphqlResponse),
            ),
            ("application/json;q=0, */*;q=0.1", Some(Media::GraphqlResponse)),
            ("text/event-stream", Some(Media::EventStream)),
            (
                "text/event-stream, application/json;q=0.1",
                Some(Media::EventStream),
            ),
            ("text/html, */*;q=0.8", Some(Media::Json)),
            ("text/*", None),
            ("text/html", None),
            ("application/json;charset=gbk", None),
            ("application/json;q=0", None),
        ] {
            assert_eq!(chosen(accept), media, "{accept}");
        }
    }
}
