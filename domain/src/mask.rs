//! What of a personal datum may be shown in lists, receipts and messages.
//!
//! There is no national standard that fixes the pattern; GB/T 35273-2020 §7.2 asks for de-identified display.
//! The patterns here keep the least that lets a clerk and an applicant recognise an entry together:
//! surname, network and last digits, division, never a birth date and never the length of what is hidden in
//! names and addresses.

/// A name: the surname and one star (王\*, 欧阳\*); of a name with `·` the first character and the dots
/// (阿\*·\*); a name of one character is hidden whole.
#[must_use]
pub fn name(full: &str) -> String {
    let full = full.trim();
    let mut parts = full.split(['·', '•', '・', '‧']);
    let first = parts.next().unwrap_or_default();
    let others = parts.count();
    let graphemes = graphemes(first);
    let kept = match graphemes.len() {
        0 => return String::new(),
        1 if others == 0 => 0,
        length if length > 2 && starts_with_compound_surname(first) => 2,
        _ => 1,
    };
    let mut shown: String = graphemes.into_iter().take(kept).collect();
    shown.push('*');
    for _ in 0..others {
        shown.push_str("·*");
    }
    shown
}

/// A resident identity number: the first three and the last two characters, the birth date hidden whole.
/// Anything shorter than 15 characters is hidden whole.
#[must_use]
pub fn resident_id(number: &str) -> String {
    let count = number.chars().count();
    if count < 15 {
        stars(count)
    } else {
        keep_ends(number, 3, 2)
    }
}

/// A phone number: the first three and the last four digits of a mobile number (138\*\*\*\*8000), the last three
/// of any other (an area code would tell the place); under seven digits nothing.
#[must_use]
pub fn phone(number: &str) -> String {
    match number.chars().count() {
        11 if number.starts_with('1') => keep_ends(number, 3, 4),
        count if count < 7 => stars(count),
        _ => keep_ends(number, 0, 3),
    }
}

/// A bank account: four stars and the last four digits; under twelve digits only the stars.
#[must_use]
pub fn bank_account(number: &str) -> String {
    let count = number.chars().count();
    let last: String = if count < 12 {
        String::new()
    } else {
        number.chars().skip(count - 4).collect()
    };
    format!("{}{last}", stars(4))
}

/// An address: everything up to the county or district, four stars for the rest; four stars when it names none.
#[must_use]
pub fn address(full: &str) -> String {
    let mut shown = String::new();
    let mut kept = 0;
    let mut cities = 0;
    let mut before = ' ';
    for letter in full.trim().chars().take(ADDRESS_SCAN_MAX) {
        shown.push(letter);
        let district = letter == '区' && !NOT_A_DISTRICT.contains(&before);
        cities += usize::from(letter == '市');
        if district || matches!(letter, '省' | '市' | '县' | '旗') {
            kept = shown.len();
        }
        // a second city is one of county rank; what follows a county is the part to hide
        if district || cities == 2 || matches!(letter, '县' | '旗') {
            break;
        }
        before = letter;
    }
    shown.truncate(kept);
    shown.push_str(&stars(4));
    shown
}

/// A county stands within this many characters, or the address names none.
const ADDRESS_SCAN_MAX: usize = 20;
/// 小区, 社区, 园区, 校区, 院区, 厂区, 库区, 矿区 are places inside a district.
const NOT_A_DISTRICT: [char; 8] = ['小', '社', '园', '校', '院', '厂', '库', '矿'];

const COMPOUND_SURNAMES: [&str; 40] = [
    "欧阳", "司马", "上官", "诸葛", "夏侯", "东方", "皇甫", "尉迟", "公孙", "慕容", "长孙", "宇文", "司徒",
    "司空", "令狐", "独孤", "南宫", "端木", "西门", "东郭", "百里", "呼延", "轩辕", "赫连", "澹台", "公冶",
    "宗政", "濮阳", "淳于", "单于", "太叔", "申屠", "仲孙", "钟离", "闻人", "鲜于", "闾丘", "亓官", "司寇",
    "第五",
];

fn starts_with_compound_surname(name: &str) -> bool {
    COMPOUND_SURNAMES.iter().any(|surname| name.starts_with(surname))
}

fn keep_ends(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    let hidden = count.saturating_sub(first + last);
    let head = text.chars().take(first);
    let tail = text.chars().skip(first + hidden);
    head.chain(std::iter::repeat_n('*', hidden)).chain(tail).collect()
}

fn stars(count: usize) -> String {
    "*".repeat(count)
}

/// Characters with the marks and variation selectors that belong to them, as far as names use them.
fn graphemes(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for letter in text.chars() {
        match found.last_mut() {
            Some(last) if is_extension(letter) || last.ends_with('\u{200D}') => last.push(letter),
            _ => found.push(letter.to_string()),
        }
    }
    found
}

const fn is_extension(letter: char) -> bool {
    matches!(letter,
        '\u{0300}'..='\u{036F}' | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0F71}'..='\u{0F84}'
        | '\u{0F90}'..='\u{0FBC}' | '\u{180B}'..='\u{180F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200C}' | '\u{200D}' | '\u{20D0}'..='\u{20FF}' | '\u{3099}'..='\u{309A}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FE20}'..='\u{FE2F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vectors::texts;

    #[test]
    fn names_keep_the_surname_alone() {
        for (full, masked) in [
            ("王芳", "王*"),
            ("王小明", "王*"),
            ("欧阳𬀩", "欧阳*"),
            ("欧阳", "欧*"),
            ("阿卜杜拉·买买提", "阿*·*"),
            ("㛃", "*"),
            ("𬀩\u{E0100}明", "𬀩\u{E0100}*"),
            ("John Smith", "J*"),
            ("  ", ""),
        ] {
            assert_eq!(name(full), masked, "{full}");
        }
        for full in texts("names_valid") {
            assert!(name(&full).contains('*') && name(&full) != full);
        }
    }

    #[test]
    fn numbers_keep_their_ends() {
        assert_eq!(resident_id("340399198808080430"), "340*************30");
        assert_eq!(resident_id("340399"), "******");
        assert_eq!(phone("13800138000"), "138****8000");
        assert_eq!(phone("0552-1234567"), "*********567");
        assert_eq!(phone("110"), "***");
        assert_eq!(bank_account("6222020200012345678"), "****5678");
        assert_eq!(bank_account("12345"), "****");
    }

    #[test]
    fn addresses_end_with_the_county() {
        for (full, masked) in [
            (
                "安徽省蚌埠市龙子湖区解放街道胜利小区3栋201",
                "安徽省蚌埠市龙子湖区****",
            ),
            ("安徽省怀远县市城镇五一村", "安徽省怀远县****"),
            ("滁州市天长市千秋路菜市街", "滁州市天长市****"),
            ("蚌埠市禹会区菜市街", "蚌埠市禹会区****"),
            ("蚌埠市胜利路1号", "蚌埠市****"),
            ("幸福小区3栋", "****"),
            ("", "****"),
        ] {
            assert_eq!(address(full), masked, "{full}");
        }
    }

    proptest! {
        #[test]
        fn masking_never_panics_and_never_shows_a_long_text_whole(text in any::<String>()) {
            prop_assert!(name(&text).is_empty() || name(&text).contains('*'));
            prop_assert_eq!(resident_id(&text).chars().count(), text.chars().count());
            prop_assert_eq!(phone(&text).chars().count(), text.chars().count());
            prop_assert!(bank_account(&text).starts_with("****"));
            prop_assert!(address(&text).ends_with("****"));
        }
    }
}
