//! The command line: subcommands and their options.

pub mod audit;
pub mod dispatch;
pub mod keys;
pub mod ledger;
pub mod upstream;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::upstream::UpstreamCommand;
use crate::service::identity::claims::Role;

/// OneDoor, one door to government services: a GraphQL gateway in front of the systems of many agencies.
///
/// Settings come from config/default.toml (`onedoor config default` prints it), a file given by --config, and
/// environment variables ONEDOOR__SECTION__KEY, the later winning. Answers go to stdout, logs to stderr.
///
/// 全程代理，一门受理：面向多部门业务系统的 GraphQL 网关。
#[derive(Debug, Parser)]
#[command(name = "onedoor", version, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done · 1 failed · 2 wrong usage · 3 cases differ · 78 the configuration has faults";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at settings. 查看与检查配置
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a token of the demo issuer, and nothing else. 签发演示令牌
    Token(TokenArgs),
    /// Serve the gateway until SIGTERM; with --demo also the sandbox upstream. 启动网关
    Serve(ServeArgs),
    /// Bring the database to this version's schema. 升级数据库结构
    Migrate(MigrateArgs),
    /// Bring reference data into the database. 导入基础数据
    Import(ImportArgs),
    /// Look at the public schema. 查看接口定义
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Copy a whole database into an empty one, of the same kind or the other; stop its gateways first. 整库迁移
    Copy(CopyArgs),
    /// Export, verify and checkpoint the ledger. 账本导出、核验与检查点
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Export the audit log. 导出审计日志
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Look after the keys: what refers to each, and rotation. 密钥管理
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Erase the personal data of a closed case; the ledger still verifies. 删除个人信息
    Erase(keys::EraseArgs),
    /// Run the sandbox upstream alone. 单独运行沙箱业务系统
    Sandbox(SandboxArgs),
    /// Try one agency's system before cases go there, and compare open cases with it. 试探、录制、回放、对账
    #[command(subcommand)]
    Upstream(UpstreamCommand),
}

/// Where settings come from.
#[derive(Debug, Clone, Args)]
pub struct SettingsArgs {
    /// Settings file (TOML); single values, the rest keeps its default.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Demonstration: missing keys are generated in the data folder, and the demo issuer's tokens are accepted.
    #[arg(long)]
    pub demo: bool,
}

/// Options of `serve`: serve the gateway until SIGTERM; with --demo also the sandbox upstream.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `migrate`: bring the database to this version's schema.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `copy`.
#[derive(Debug, Clone, Args)]
pub struct CopyArgs {
    /// Database to copy from, as database.url.
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Database to copy to; it must be empty.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Settings; the keys of the copy's ledger are read from them.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Options of `import`: bring reference data into the database.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What the file holds.
    #[arg(value_enum)]
    pub what: ImportKind,
    /// The file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Check the file and say what would change, but change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    /// Administrative divisions (CSV). 区划
    Divisions,
    /// Organizations by role (CSV). 单位
    Organizations,
    /// Service items with forms and routes (YAML). 事项
    Catalogue,
    /// Working days (CSV, or one year of holiday-cn as JSON). 工作日历
    Calendar,
    /// Lists of what may be given to the grassroots (CSV). 准入清单
    Admissions,
}

/// Look at the public schema.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum SchemaCommand {
    /// Print the schema as SDL; needs no settings.
    Print,
}

/// Look at settings.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Check the settings, list all faults at once, and print what is in force with secrets as stars.
    Check(SettingsArgs),
    /// Print every option with its comment and default.
    Default,
}

/// Options of `token`.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// As what.
    #[arg(long, value_enum)]
    pub role: Role,
    /// Code of the organization, for example 340302001001:village.station; for kiosks, clerks and officers.
    #[arg(long, value_name = "CODE")]
    pub organization: Option<String>,
    /// Code of the division, 12 digits; for supervisors, who oversee it and all below it.
    #[arg(long, value_name = "CODE")]
    pub division: Option<String>,
    /// Who; never a person's name or number. Default: demo-<role>, with the organization's code.
    #[arg(long, value_name = "ID")]
    pub subject: Option<String>,
    /// How long the token is good for.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    pub hours: u32,
    /// The claim `approver`: this officer may extend cases.
    #[arg(long)]
    pub approver: bool,
    /// Settings file; the token is made with the key in its data folder.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `sandbox`: run the sandbox upstream alone.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Settings file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("Exit codes"), "{help}");
    }

    #[test]
    fn a_token_names_its_role_and_no_impossible_lifetime() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("onedoor token --role clerk --organization BB-MCA --hours 1 --approver").is_ok());
        assert!(parse("onedoor token").is_err());
        assert!(parse("onedoor token --role emperor").is_err());
        assert!(parse("onedoor token --role citizen --hours 0").is_err());
    }

    #[test]
    fn imports_take_a_kind_and_a_file() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        let line = parse("onedoor import calendar workdays.csv --dry-run").unwrap();
        assert!(matches!(
            line.command,
            Command::Import(ImportArgs {
                what: ImportKind::Calendar,
                dry_run: true,
                ..
            })
        ));
        assert!(parse("onedoor import people list.csv").is_err());
    }
}
