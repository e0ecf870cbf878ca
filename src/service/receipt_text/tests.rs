//! Receipts as they leave the printer.

use chrono::NaiveDate;
use onedoor_domain::case::state::Outcome;
use onedoor_domain::id::{CalendarVersionId, CaseId, OrganizationId, ReceiptId};
use onedoor_domain::material::Document;
use onedoor_domain::receipt::FORMAT;
use onedoor_domain::receipt::kind::{DueKind, ReceiptKind};
use onedoor_domain::receipt::parts::{LedgerPosition, ReceiptContact, ReceiptItem, ReceiptOrganization};
use proptest::prelude::*;
use uuid::Uuid;

use onedoor_domain::text::unprintable;

use super::wrap::width;
use super::*;

fn both(zh: &str, en: &str) -> Bilingual {
    Bilingual {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn organization(zh: &str, en: &str) -> ReceiptOrganization {
    ReceiptOrganization {
        id: OrganizationId::from_uuid(Uuid::from_u128(3)),
        code: "340302001000:township.service-center".to_owned(),
        name: both(zh, en),
    }
}

fn body() -> ReceiptBody {
    let material = |code: &str, zh: &str, en: &str, trust, originals| ReceiptMaterial {
        code: code.to_owned(),
        name: both(zh, en),
        trust,
        originals,
        documents: vec![],
    };
    let due = |kind, day| ReceiptDue {
        kind,
        date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
        calendar: CalendarVersionId::from_uuid(Uuid::from_u128(4)),
        provisional: false,
    };
    ReceiptBody {
        format: FORMAT,
        id: ReceiptId::from_uuid(Uuid::from_u128(1)),
        kind: ReceiptKind::Acceptance,
        corrects: None,
        case: CaseId::from_uuid(Uuid::from_u128(2)),
        tracking_code: "340302-261123-7KQ4M2XD-B".parse().unwrap(),
        item: ReceiptItem {
            code: "pension-enroll".to_owned(),
            version: 1,
            name: both(
                "城乡居民基本养老保险参保登记",
                "Enrollment in basic pension insurance for urban and rural residents",
            ),
        },
        organization: organization("天桥街道便民服务中心", "Service center of Tianqiao Subdistrict"),
        place: ReceiptPlace::Window {
            name: Some("3".to_owned()),
        },
        clerk: Some("clerk-17".to_owned()),
        applicant_masked: "欧**".to_owned(),
        materials: vec![
            material("id", "居民身份证", "Resident identity card", Trust::B, 1),
            ReceiptMaterial {
                documents: vec![Document {
                    id: None,
                    sha256: "0123456789abcdef".repeat(4).parse().unwrap(),
                    size_bytes: 10,
                }],
                ..material("hk", "户口簿", "Household register", Trust::C, 0)
            },
        ],
        event_at: DateTime::from_timestamp(1_795_399_500, 0).unwrap(),
        offline: None,
        due: vec![due(DueKind::Promise, 25), due(DueKind::Statutory, 30)],
        statement: None,
        transfer: None,
        contact: ReceiptContact {
            track: both(
                "查询：凭查询编号和查询码在自助终端或网上查询。",
                "Track with code and secret at a kiosk or online.",
            ),
            complain: both("投诉：12345", "Complaints: 12345"),
            verify_url: "https://onedoor.example/receipts/receipt_00000000000000000000000000000001"
                .to_owned(),
        },
        ledger: Some(LedgerPosition {
            seq: 3,
            hash: "ab".repeat(32).parse().unwrap(),
        }),
    }
}

const PAPER_58_ZH: &str = r"================================
           受理通知书
      天桥街道便民服务中心
================================
          办件查询编号
    340302-261123-7KQ4M2XD-B
 查询码（请妥善保管，勿告他人）
            7Q2M4XDB
--------------------------------
事项：城乡居民基本养老保险参保登
    记
事项编码：pension-enroll v1
申请人：欧**
办理时间：2026-11-23 10:05
窗口：3
经办：clerk-17
--------------------------------
材料 2
1. 居民身份证（B 窗口核验），原
   件1份
2. 户口簿（C 已上传）
   01234567 89abcdef 01234567
   89abcdef 01234567 89abcdef
   01234567 89abcdef
--------------------------------
承诺办结：2026-11-25
法定期限：2026-11-30
工作日历：calendar_00000000
    00000000 00000000 00000004
--------------------------------
查询：凭查询编号和查询码在自助终
端或网上查询。
投诉：12345
存证序号：3
存证摘要：abababab abababab
    abababab abababab abababab
    abababab abababab abababab
回执编号：receipt_00000000
    00000000 00000000 00000001
验证地址：
https://onedoor.example/receipts
/receipt_00000000000000000000000
000000001
================================
";

const PAPER_80_EN: &str = r"================================================
              Notice of acceptance
     Service center of Tianqiao Subdistrict
================================================
                 Tracking code
            340302-261123-7KQ4M2XD-B
------------------------------------------------
Item: Enrollment in basic pension insurance for
    urban and rural residents
Item code: pension-enroll v1
Applicant: 欧**
Time: 2026-11-23 10:05
Window: 3
Clerk: clerk-17
------------------------------------------------
Materials 2
1. Resident identity card (B checked at the
   window), originals: 1
2. Household register (C uploaded)
   01234567 89abcdef 01234567 89abcdef 01234567
   89abcdef 01234567 89abcdef
------------------------------------------------
Promised by: 2026-11-25
Statutory limit: 2026-11-30
Calendar: calendar_00000000 00000000 00000000
    00000004
------------------------------------------------
Track with code and secret at a kiosk or online.
Complaints: 12345
Ledger no.: 3
Ledger hash: abababab abababab abababab abababab
    abababab abababab abababab abababab
Receipt: receipt_00000000 00000000 00000000
    00000001
Verify at:
https://onedoor.example/receipts/receipt_0000000
0000000000000000000000001
================================================
";

#[test]
fn paper_of_58_mm_in_chinese_reads_so() {
    assert_eq!(
        receipt_text(&body(), Paper::Mm58, Language::Zh, Some("7Q2M4XDB")),
        PAPER_58_ZH
    );
}

#[test]
fn paper_of_80_mm_in_english_reads_so() {
    assert_eq!(
        receipt_text(&body(), Paper::Mm80, Language::En, None),
        PAPER_80_EN
    );
}

#[test]
fn the_tracking_code_is_never_split_and_the_secret_stays_out_unless_given() {
    for paper in [Paper::Mm58, Paper::Mm80] {
        for language in [Language::Zh, Language::En] {
            let text = receipt_text(&body(), paper, language, None);
            assert!(text.lines().any(|line| line.trim() == "340302-261123-7KQ4M2XD-B"));
            assert!(!text.contains("查询码（") && !text.contains("secret ("));
        }
    }
}

#[test]
fn reasons_remedy_corrections_and_transfers_are_printed() {
    let mut full = body();
    full.kind = ReceiptKind::Decision;
    full.corrects = Some(ReceiptId::from_uuid(Uuid::from_u128(9)));
    full.place = ReceiptPlace::System;
    full.statement = Some(ReceiptStatement {
        outcome: Some(Outcome::Denied),
        text: Some("一、缺少户口簿\n二、年龄未满".to_owned()),
        remedy: Some(both(
            "可在六十日内申请行政复议。",
            "You may ask for review within 60 days.",
        )),
    });
    full.transfer = Some(ReceiptTransfer {
        to: organization("县人社局", "County human resources bureau"),
        slip_number: Some("WL-2026-0001".to_owned()),
        originals: 2,
    });
    let text = receipt_text(&full, Paper::Mm80, Language::Zh, None);
    for part in [
        "更正原回执",
        "结果：不予许可",
        "二、年龄未满",
        "六十日内",
        "移交至：县人社局",
        "WL-2026-0001",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_paper_and_nothing_commands_the_printer(
        name in "[\u{4E00}-\u{9FFF}\u{20000}-\u{2A6DF}·A-Za-z ，（）\u{E0100}\u{1b}\u{202E}]{0,80}",
        wild in any::<String>(),
    ) {
        let mut odd = body();
        odd.item.name = both(&name, &wild);
        odd.organization.name = both(&wild, &name);
        odd.applicant_masked.clone_from(&name);
        odd.contact.verify_url = format!("https://x.example/{wild}");
        odd.statement = Some(ReceiptStatement { text: Some(wild.clone()), ..ReceiptStatement::default() });
        for (paper, language) in [(Paper::Mm58, Language::Zh), (Paper::Mm80, Language::En)] {
            let text = receipt_text(&odd, paper, language, None);
            for line in text.lines() {
                prop_assert!(width(line) <= paper.columns(), "{line:?}");
            }
            prop_assert!(text.chars().all(|c| c == '\n' || !unprintable(c)));
        }
    }

    #[test]
    fn characters_of_a_name_are_neither_lost_nor_torn(name in "[\u{4E00}-\u{9FFF}\u{20000}-\u{2A6DF}]{1,60}") {
        let mut odd = body();
        odd.item.name = both(&name, "");
        let text: String = receipt_text(&odd, Paper::Mm58, Language::Zh, None).split_whitespace().collect();
        prop_assert!(text.contains(&name));
    }
}
