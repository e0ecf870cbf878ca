//! What differs between a request that was recorded and one that is written now, by line and field.

use serde_json::Value;

use crate::upstream::exchange_file::Message;

/// Headers that every HTTP client sets, or that change with the clock and the secrets.
const PASSING: &[&str] = &[
    "host",
    "accept",
    "accept-encoding",
    "user-agent",
    "content-length",
    "traceparent",
    "authorization",
    "cookie",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];
/// The most differences told of one request.
const DIFFERENCES_MAX: usize = 50;

/// Every difference, one line each; `signature` names further headers that change each time.
#[must_use]
pub fn differences(recorded: &Message, now: &Message, signature: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if recorded.line != now.line {
        found.push(told("request line", &recorded.line, &now.line));
    }
    let passing = |name: &str| PASSING.contains(&name) || signature.iter().any(|one| one == name);
    for (name, value) in recorded.headers.iter().filter(|(name, _)| !passing(name)) {
        match now.header(name) {
            // `*` is a value that is another one each time
            Some(same) if same == value || value == "*" => {}
            Some(other) => found.push(told(&format!("header {name}"), value, other)),
            None => found.push(format!("header {name}: recorded, and not written now")),
        }
    }
    for (name, _) in now.headers.iter().filter(|(name, _)| !passing(name)) {
        if recorded.header(name).is_none() {
            found.push(format!("header {name}: written now, and not recorded"));
        }
    }
    bodies(recorded, now, &mut found);
    found.truncate(DIFFERENCES_MAX);
    found
}

/// A message without the field of its body that holds a secret: a parameter of a form, or a member of JSON whose path is joined
/// by dots.
#[must_use]
pub fn without(message: &Message, field: &str) -> Message {
    let mut cleaned = message.clone();
    let kind = message.header("content-type").unwrap_or_default();
    if kind.contains("json") {
        if let Ok(mut document) = serde_json::from_slice::<Value>(&message.body) {
            let (path, name) = field.rsplit_once('.').unwrap_or(("", field));
            let mut place = Some(&mut document);
            for member in path.split('.').filter(|member| !member.is_empty()) {
                place = place.and_then(|value| value.get_mut(member));
            }
            if let Some(Value::Object(members)) = place {
                members.remove(name);
            }
            cleaned.body = document.to_string().into_bytes();
        }
    } else if kind.contains("form-urlencoded") {
        let kept = url::form_urlencoded::parse(&message.body).filter(|(name, _)| name != field);
        let kept = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        cleaned.body = kept.into_bytes();
    }
    cleaned
}

fn bodies(recorded: &Message, now: &Message, found: &mut Vec<String>) {
    if recorded.body == now.body {
        return;
    }
    let kind = recorded.header("content-type").unwrap_or_default();
    if kind.contains("json")
        && let (Ok(left), Ok(right)) = (
            serde_json::from_slice::<Value>(&recorded.body),
            serde_json::from_slice::<Value>(&now.body),
        )
    {
        values("body $", &left, &right, found);
        return;
    }
    if kind.contains("form-urlencoded") {
        let left: Vec<(String, String)> = fields(&recorded.body);
        let right: Vec<(String, String)> = fields(&now.body);
        lists("body field", &left, &right, found);
        return;
    }
    let lines = |body: &[u8]| -> Vec<(String, String)> {
        body.split(|byte| *byte == b'\n')
            .enumerate()
            .map(|(index, line)| (format!("{}", index + 1), shown(line)))
            .collect()
    };
    lists("body line", &lines(&recorded.body), &lines(&now.body), found);
}

fn fields(body: &[u8]) -> Vec<(String, String)> {
    body.split(|byte| *byte == b'&')
        .map(|pair| {
            let pair = String::from_utf8_lossy(pair).into_owned();
            match pair.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (pair, String::new()),
            }
        })
        .collect()
}

fn lists(what: &str, left: &[(String, String)], right: &[(String, String)], found: &mut Vec<String>) {
    for index in 0..left.len().max(right.len()) {
        match (left.get(index), right.get(index)) {
            (Some(one), Some(other)) if one == other => {}
            (Some((name, one)), Some((same, other))) if name == same => {
                found.push(told(&format!("{what} {name}"), one, other));
            }
            (Some((name, _)), Some((other, _))) => {
                found.push(told(&format!("{what} {}", index + 1), name, other))
            }
            (Some((name, _)), None) => found.push(format!("{what} {name}: recorded, and not written now")),
            (None, Some((name, _))) => found.push(format!("{what} {name}: written now, and not recorded")),
            (None, None) => {}
        }
    }
}

/// JSON is compared by its values: the order of members and the blanks between them are no difference.
fn values(at: &str, left: &Value, right: &Value, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                match other.get(name) {
                    Some(same) => values(&format!("{at}.{name}"), value, same, found),
                    None => found.push(format!("{at}.{name}: recorded, and not written now")),
                }
            }
            for name in other.keys().filter(|name| !one.contains_key(*name)) {
                found.push(format!("{at}.{name}: written now, and not recorded"));
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (value, same)) in one.iter().zip(other).enumerate() {
                values(&format!("{at}[{index}]"), value, same, found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            found.push(told(
                &format!("{at}: entries"),
                &one.len().to_string(),
                &other.len().to_string(),
            ));
        }
        (one, other) if one == other => {}
        (one, other) => found.push(told(at, &one.to_string(), &other.to_string())),
    }
}

fn told(what: &str, recorded: &str, now: &str) -> String {
    format!("{what}: recorded {}, now {}", cut(recorded), cut(now))
}

fn cut(text: &str) -> String {
    const SHOWN_MAX: usize = 120;
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if text.chars().count() > SHOWN_MAX {
        shown.push('…');
    }
    shown
}

/// A line as far as it is text; other charsets show their bytes.
fn shown(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim_end_matches('\r').to_owned(),
        Err(_) => line.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, body: &str) -> Message {
        let head = format!(
            "POST /a HTTP/1.1\r\nauthorization: Bearer x\r\nx-kept: 1\r\ncontent-type: {kind}\r\n\r\n"
        );
        Message::parse(format!("{head}{body}").as_bytes()).unwrap()
    }

    #[test]
    fn a_difference_names_its_line_and_field() {
        let json = |body| request("application/json", body);
        let told = |left: &Message, right: &Message| differences(left, right, &["x-sign".to_owned()]);
        let one = json(r#"{"a": 1, "b": {"c": ["x", "y"]}}"#);
        assert!(told(&one, &json(r#"{ "b": {"c": ["x","y"]}, "a": 1 }"#)).is_empty());
        assert_eq!(
            told(&one, &json(r#"{"a": 2, "b": {"c": ["x", "z"], "d": 0}}"#)),
            [
                "body $.a: recorded 1, now 2",
                "body $.b.c[1]: recorded \"y\", now \"z\"",
                "body $.b.d: written now, and not recorded",
            ]
        );
        let form = |body| request("application/x-www-form-urlencoded; charset=utf-8", body);
        assert_eq!(
            told(&form("a=1&b=2"), &form("a=1&b=3&c=4")),
            [
                "body field b: recorded 2, now 3",
                "body field c: written now, and not recorded"
            ]
        );
        let xml = |body| request("application/xml", body);
        assert_eq!(
            told(&xml("<a>\n<b>1</b>\n</a>"), &xml("<a>\n<b>2</b>\n</a>")),
            ["body line 2: recorded <b>1</b>, now <b>2</b>"]
        );
        let mut other = one.clone();
        other.line = "POST /b HTTP/1.1".to_owned();
        other.headers = vec![
            ("authorization".to_owned(), "Bearer y".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-sign".to_owned(), "z".to_owned()),
            ("x-new".to_owned(), "1".to_owned()),
        ];
        assert_eq!(
            told(&one, &other),
            [
                "request line: recorded POST /a HTTP/1.1, now POST /b HTTP/1.1",
                "header x-kept: recorded, and not written now",
                "header x-new: written now, and not recorded",
            ]
        );
    }
}
