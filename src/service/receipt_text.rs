//! Receipts as plain text for thermal paper: 58 mm (32 columns) and 80 mm (48 columns), 中文 or English.

mod wrap;

use chrono::{DateTime, FixedOffset, Utc};
use onedoor_domain::material::Trust;
use onedoor_domain::receipt::ReceiptBody;
use onedoor_domain::receipt::kind::outcome_words;
use onedoor_domain::receipt::parts::{
    Bilingual, ReceiptDue, ReceiptMaterial, ReceiptPlace, ReceiptStatement, ReceiptTransfer,
};

use crate::error::Language;
use crate::service::receipt_text::wrap::Lines;

/// The offset of Beijing time, seconds.
const BEIJING_OFFSET_S: i32 = 8 * 3600;
/// Characters of a hash per printed group.
const HASH_GROUP_CHARS: usize = 8;

/// Width of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Paper {
    /// 58 mm: 32 columns, 16 Chinese characters.
    Mm58,
    /// 80 mm: 48 columns, 24 Chinese characters.
    Mm80,
}

impl Paper {
    /// Columns in a line; a Chinese character takes two.
    #[must_use]
    pub const fn columns(self) -> usize {
        match self {
            Self::Mm58 => 32,
            Self::Mm80 => 48,
        }
    }
}

/// A receipt as text, each line at most as wide as the paper, ending with a line break.
///
/// `secret` is the tracking secret (查询码), known only in the answer to the submission: it is printed for the
/// applicant then and is no part of the receipt.
#[must_use]
pub fn receipt_text(body: &ReceiptBody, paper: Paper, language: Language, secret: Option<&str>) -> String {
    let mut slip = Slip {
        lines: Lines::new(paper.columns()),
        language,
    };
    slip.head(body);
    slip.codes(body, secret);
    slip.matter(body);
    slip.materials(&body.materials);
    slip.dates(body);
    if let Some(transfer) = &body.transfer {
        slip.transfer(transfer);
    }
    if let Some(statement) = &body.statement {
        slip.statement(statement);
    }
    slip.foot(body);
    slip.lines.finish()
}

struct Slip {
    lines: Lines,
    language: Language,
}

impl Slip {
    const fn say<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    fn of<'a>(&self, text: &'a Bilingual) -> &'a str {
        self.say(&text.zh, &text.en)
    }

    fn field(&mut self, zh: &str, en: &str, value: &str) {
        let label = match self.language {
            Language::Zh => format!("{zh}："),
            Language::En => format!("{en}: "),
        };
        self.lines.field(&label, value);
    }

    fn head(&mut self, body: &ReceiptBody) {
        self.lines.rule('=');
        self.lines.centered(self.say(body.kind.zh(), body.kind.en()));
        self.lines.centered(self.of(&body.organization.name));
        self.lines.rule('=');
        if let Some(old) = body.corrects {
            self.field("更正原回执", "Corrects", &grouped_id(&old.to_string()));
        }
    }

    fn codes(&mut self, body: &ReceiptBody, secret: Option<&str>) {
        self.lines.centered(self.say("办件查询编号", "Tracking code"));
        self.lines.centered(&body.tracking_code.to_string());
        if let Some(secret) = secret {
            self.lines.centered(self.say(
                "查询码（请妥善保管，勿告他人）",
                "Query secret (keep it to yourself)",
            ));
            self.lines.centered(secret);
        }
        self.lines.rule('-');
    }

    fn matter(&mut self, body: &ReceiptBody) {
        self.field("事项", "Item", self.of(&body.item.name));
        self.field(
            "事项编码",
            "Item code",
            &format!("{} v{}", body.item.code, body.item.version),
        );
        self.field("申请人", "Applicant", &body.applicant_masked);
        self.field("办理时间", "Time", &beijing_time(body.event_at));
        if let Some(offline) = &body.offline {
            self.field("离线收件", "Taken offline", &beijing_time(offline.captured_at));
            self.field("临时编号", "Provisional no.", &offline.provisional_number);
        }
        match &body.place {
            ReceiptPlace::Window { name: Some(name) } => self.field("窗口", "Window", name),
            ReceiptPlace::Window { name: None } => {
                self.field("办理方式", "Entered at", self.say("窗口", "a window"));
            }
            ReceiptPlace::Device { id } => self.field("自助终端", "Kiosk", id),
            ReceiptPlace::Online => self.field("办理方式", "Entered", self.say("网上", "online")),
            ReceiptPlace::System => self.field("办理方式", "Entered by", self.say("系统", "the gateway")),
        }
        if let Some(clerk) = &body.clerk {
            self.field("经办", "Clerk", clerk);
        }
    }

    fn materials(&mut self, materials: &[ReceiptMaterial]) {
        if materials.is_empty() {
            return;
        }
        self.lines.rule('-');
        self.lines
            .text(&format!("{} {}", self.say("材料", "Materials"), materials.len()));
        for (index, material) in materials.iter().enumerate() {
            let number = format!("{}. ", index.saturating_add(1));
            let mut line = format!(
                "{}（{}）",
                self.of(&material.name),
                trust(material.trust, Language::Zh)
            );
            if self.language == Language::En {
                line = format!("{} ({})", material.name.en, trust(material.trust, Language::En));
            }
            if material.originals > 0 {
                line.push_str(&match self.language {
                    Language::Zh => format!("，原件{}份", material.originals),
                    Language::En => format!(", originals: {}", material.originals),
                });
            }
            self.lines.field(&number, &line);
            for document in &material.documents {
                self.lines.field("   ", &grouped(&document.sha256.to_string()));
            }
        }
    }

    fn dates(&mut self, body: &ReceiptBody) {
        if body.due.is_empty() {
            return;
        }
        self.lines.rule('-');
        for due in &body.due {
            self.field(
                due.kind.zh(),
                due.kind.en(),
                &due.date.format("%Y-%m-%d").to_string(),
            );
        }
        if let Some(ReceiptDue { calendar, .. }) = body.due.first() {
            self.field("工作日历", "Calendar", &grouped_id(&calendar.to_string()));
        }
        if body.due.iter().any(|due| due.provisional) {
            self.lines.text(self.say(
                "注：所涉年度的放假安排尚未正式公布，日期可能调整。",
                "Note: the holidays of a year concerned are not official yet; dates may change.",
            ));
        }
    }

    fn transfer(&mut self, transfer: &ReceiptTransfer) {
        self.lines.rule('-');
        self.field("移交至", "Handed to", self.of(&transfer.to.name));
        if let Some(slip) = &transfer.slip_number {
            self.field("凭证号", "Slip", slip);
        }
        self.field("原件份数", "Originals", &transfer.originals.to_string());
    }

    fn statement(&mut self, statement: &ReceiptStatement) {
        self.lines.rule('-');
        if let Some(outcome) = statement.outcome {
            let (zh, en) = outcome_words(outcome);
            self.field("结果", "Outcome", self.say(zh, en));
        }
        if let Some(text) = &statement.text {
            self.field("说明", "Statement", text);
        }
        if let Some(remedy) = &statement.remedy {
            self.field("救济途径", "Remedy", self.of(remedy));
        }
    }

    fn foot(&mut self, body: &ReceiptBody) {
        self.lines.rule('-');
        self.lines.text(self.of(&body.contact.track));
        self.lines.text(self.of(&body.contact.complain));
        if let Some(position) = &body.ledger {
            self.field("存证序号", "Ledger no.", &position.seq.to_string());
            self.field("存证摘要", "Ledger hash", &grouped(&position.hash.to_string()));
        }
        self.field("回执编号", "Receipt", &grouped_id(&body.id.to_string()));
        self.lines.text(self.say("验证地址：", "Verify at:"));
        self.lines.text(&body.contact.verify_url);
        self.lines.rule('=');
    }
}

const fn trust(trust: Trust, language: Language) -> &'static str {
    match (trust, language) {
        (Trust::A, Language::Zh) => "A 部门出具",
        (Trust::B, Language::Zh) => "B 窗口核验",
        (Trust::C, Language::Zh) => "C 已上传",
        (Trust::D, Language::Zh) => "D 承诺出示",
        (Trust::A, Language::En) => "A issued by the agency",
        (Trust::B, Language::En) => "B checked at the window",
        (Trust::C, Language::En) => "C uploaded",
        (Trust::D, Language::En) => "D promised to be shown",
    }
}

/// An instant as it is printed: Beijing time, to the minute.
#[must_use]
pub fn beijing_time(instant: DateTime<Utc>) -> String {
    FixedOffset::east_opt(BEIJING_OFFSET_S).map_or_else(
        || instant.format("%Y-%m-%d %H:%M UTC").to_string(),
        |beijing| {
            instant
                .with_timezone(&beijing)
                .format("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

/// A hash in groups that people can compare and lines can break between.
fn grouped(hash: &str) -> String {
    let characters: Vec<char> = hash.chars().collect();
    let groups: Vec<String> = characters
        .chunks(HASH_GROUP_CHARS)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

/// An identifier in groups, its prefix with the first.
fn grouped_id(id: &str) -> String {
    id.split_once('_').map_or_else(
        || id.to_owned(),
        |(prefix, hex)| format!("{prefix}_{}", grouped(hex)),
    )
}

#[cfg(test)]
mod tests;
