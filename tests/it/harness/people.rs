//! The people of the stories: made up, valid to every check, and never to be seen outside sealed columns.

/// A person who comes to the window. The ID number's division and check digit are right; nobody bears it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) id_number: &'static str,
    pub(crate) phone: &'static str,
    pub(crate) address: &'static str,
}

/// A farmer who applies at the village station.
pub(crate) const FARMER: Person = Person {
    name: "裘稻香",
    id_number: "340322197803150016",
    phone: "19900010001",
    address: "试验镇丰收村桂花巷七号之九",
};

/// His neighbour, who must never see his case.
pub(crate) const NEIGHBOUR: Person = Person {
    name: "皇甫麦穗",
    id_number: "340322198511230027",
    phone: "19900010002",
    address: "试验镇丰收村桂花巷八号之三",
};

/// A shopkeeper of the county town.
pub(crate) const SHOPKEEPER: Person = Person {
    name: "濮阳掌柜",
    id_number: "340303199001020033",
    phone: "19900010003",
    address: "试验区胜利街道算盘弄十五号",
};

/// Everybody; the canaries of the whole suite.
pub(crate) const EVERYBODY: &[Person] = &[FARMER, NEIGHBOUR, SHOPKEEPER];

/// Fails when anything personal stands in these bytes, plain, as hex, or as JSON or URL escapes. Says where, not what.
pub(crate) fn assert_nobody_in(place: &str, bytes: &[u8]) {
    // the standard library's text search is fast in every build; a search over windows of bytes is not
    let text = String::from_utf8_lossy(bytes);
    for (person, canary) in canaries() {
        if let Some(at) = text.find(&canary) {
            let before: String = text[..at]
                .chars()
                .rev()
                .take(120)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            panic!("{place}: personal data of person {person} at byte {at}, after: {before}");
        }
    }
}

fn canaries() -> impl Iterator<Item = (usize, String)> {
    EVERYBODY.iter().enumerate().flat_map(|(index, person)| {
        [person.name, person.id_number, person.phone, person.address]
            .into_iter()
            .flat_map(|text| {
                [
                    text.to_owned(),
                    json_escaped(text),
                    url_escaped(text),
                    hex::encode(text),
                ]
            })
            .map(move |text| (index, text))
    })
}

fn json_escaped(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| {
            char::from_u32(unit.into())
                .filter(char::is_ascii)
                .map_or(format!("\\u{unit:04x}"), String::from)
        })
        .collect()
}

fn url_escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[test]
fn everybody_bears_a_well_formed_id_number() {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    for person in EVERYBODY {
        let digits: Vec<u32> = person
            .id_number
            .chars()
            .take(17)
            .map(|digit| digit.to_digit(10).unwrap())
            .collect();
        let sum: u32 = digits
            .iter()
            .zip(WEIGHTS)
            .map(|(digit, weight)| digit * weight)
            .sum();
        let check = "10X98765432".chars().nth((sum % 11) as usize);
        assert_eq!(person.id_number.chars().nth(17), check, "{}", person.id_number);
    }
}

#[test]
#[should_panic(expected = "personal data of person 1")]
fn an_escaped_name_is_found() {
    assert_nobody_in("a log", br#"{"message":"\u7687\u752b\u9ea6\u7a57 came"}"#);
}
