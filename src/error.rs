//! The closed table of error codes, and the error every service returns.

use std::borrow::Cow;
use std::fmt;

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The caller's request is at fault.
    Caller,
    /// The caller is not who it must be.
    Auth,
    /// The state moved on; look again.
    Conflict,
    /// A system behind the gateway is at fault.
    Upstream,
    /// The gateway itself is at fault or overloaded.
    System,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $status:literal, $retryable:literal, $zh:literal, $en:literal;)*) => {
        /// Every error code that can leave the gateway (GRAPHQL §5); nothing else does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// All codes, for the contract tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// Who has to act.
            #[must_use]
            pub const fn class(self) -> ErrorClass { match self { $(Self::$name => ErrorClass::$class,)* } }

            /// HTTP status of problem+json answers; GraphQL field errors keep the operation's status.
            #[must_use]
            pub const fn http_status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// Whether the same request may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool { match self { $(Self::$name => $retryable,)* } }

            /// Public text in Chinese, saying what to do.
            #[must_use]
            pub const fn zh(self) -> &'static str { match self { $(Self::$name => $zh,)* } }

            /// Public text in English, saying what to do.
            #[must_use]
            pub const fn en(self) -> &'static str { match self { $(Self::$name => $en,)* } }
        }
    };
}

error_codes! {
    /// The document is not GraphQL.
    ParseFailed = "GRAPHQL_PARSE_FAILED", Caller, 400, false, "查询语句有语法错误，请检查后重发。", "The document is not valid GraphQL; correct it and send it again.";
    /// The document does not fit the schema.
    ValidationFailed = "GRAPHQL_VALIDATION_FAILED", Caller, 400, false, "查询与接口定义不符，请对照接口文档修改。", "The document does not fit the schema; compare it with the published schema.";
    /// Input outside its type or bounds.
    BadUserInput = "BAD_USER_INPUT", Caller, 400, false, "输入有误，请按提示修改。", "The input is not acceptable; correct it as the message says.";
    /// The envelope of the request is not what GraphQL over HTTP asks for.
    BadRequest = "BAD_REQUEST", Caller, 400, false, "请求格式不正确。", "The request is malformed.";
    /// A persisted query is not known here.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", Caller, 400, true, "未找到已登记的查询，请附全文重发。", "The persisted query is not known; send it again with its full text.";
    /// The token is missing, expired or false.
    Unauthenticated = "UNAUTHENTICATED", Auth, 401, false, "身份令牌缺失或无效，请重新登录。", "The token is missing or not valid; sign in again.";
    /// A kiosk's proof needs a nonce of ours that is fresh (RFC 9449 §8).
    NonceRequired = "NONCE_REQUIRED", Auth, 401, true, "请使用应答头 DPoP-Nonce 中的新随机数重新签名后重发。", "Sign again with the nonce in the header DPoP-Nonce of this answer.";
    /// The field is not for this role at all.
    Forbidden = "FORBIDDEN", Auth, 403, false, "您的角色不能进行此操作。", "This operation is not for your role.";
    /// Unexpected failure; details are in the log under the correlation id.
    Internal = "INTERNAL_SERVER_ERROR", System, 500, false, "系统内部错误，请凭关联编号联系管理员。", "Internal error; report the correlation id to the operator.";
    /// A limit on the document or operation was passed.
    OperationLimit = "OPERATION_LIMIT", Caller, 400, false, "查询超出限制，请拆分或缩小后重发。", "The operation passes a limit; split it or ask for less.";
    /// Only registered documents are executed here.
    DocumentNotTrusted = "DOCUMENT_NOT_TRUSTED", Caller, 400, false, "此查询未登记，不予执行。", "This document is not registered and is not executed.";
    /// A cookie or multipart request without a header that forces a preflight.
    CsrfPreflightRequired = "CSRF_PREFLIGHT_REQUIRED", Caller, 400, false, "请求缺少防跨站请求头 GraphQL-Require-Preflight。", "The request lacks the header GraphQL-Require-Preflight.";
    /// Introspection is closed to this role.
    IntrospectionDisabled = "INTROSPECTION_DISABLED", Auth, 403, false, "未开放接口自省，请使用已发布的 schema.graphql。", "Introspection is closed; use the published schema.graphql.";
    /// Absent, or not visible to this actor: both look alike.
    NotFound = "NOT_FOUND", Caller, 404, false, "未找到，请核对编号。", "Not found; check the number.";
    /// The change feed does not reach back to the cursor any more.
    CursorTooOld = "CURSOR_TOO_OLD", Conflict, 410, false, "变更记录只保留七天，游标已过期：请先用不带 after 的 changesSince 取新游标，再重新加载数据，并从新游标继续。", "Changes are kept for seven days and the cursor is older: take a new cursor from changesSince without after, load the data again, and go on from that cursor.";
    /// Too many requests or field executions.
    RateLimited = "RATE_LIMITED", Caller, 429, true, "请求过于频繁，请稍后再试。", "Too many requests; try again later.";
    /// The body is larger than the limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Caller, 413, false, "请求内容过大，请缩小后重发。", "The request is too large; send less.";
    /// The body's media type is not accepted.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", Caller, 415, false, "请以 application/json 发送请求。", "Send the request as application/json.";
    /// None of the accepted media types can be produced.
    NotAcceptable = "NOT_ACCEPTABLE", Caller, 406, false, "无法按所要求的格式应答。", "None of the accepted media types can be produced.";
    /// The method is not allowed here.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", Caller, 405, false, "请求方法不允许；变更操作请用 POST。", "The method is not allowed; send mutations by POST.";
    /// The body did not arrive in time.
    RequestTimeout = "REQUEST_TIMEOUT", Caller, 408, true, "请求未能及时送达，请重发。", "The request did not arrive in time; send it again.";
    /// The query took longer than its limit.
    QueryTimeout = "QUERY_TIMEOUT", System, 503, true, "查询超时，请缩小范围后重试。", "The query took too long; narrow it and try again.";
    /// The gateway is overloaded or stopping.
    Overloaded = "OVERLOADED", System, 503, true, "系统繁忙，请稍后用同一幂等键重试。", "The gateway is busy; try again later with the same idempotency key.";
    /// The database cannot take the request now; nothing was stored.
    StoreUnavailable = "STORE_UNAVAILABLE", System, 503, true, "暂时无法存储，本次操作未生效，请稍后用同一幂等键重试。", "Storage is not available and nothing was recorded; try again later with the same idempotency key.";
    /// An upstream system cannot be reached.
    UpstreamUnavailable = "UPSTREAM_UNAVAILABLE", Upstream, 502, true, "业务系统暂时不可用，稍后会自动重试。", "The agency's system is not available; it is tried again automatically.";
    /// An upstream system did not answer in time.
    UpstreamTimeout = "UPSTREAM_TIMEOUT", Upstream, 504, true, "业务系统未及时应答。", "The agency's system did not answer in time.";
    /// An upstream system is being rested after failures.
    CircuitOpen = "CIRCUIT_OPEN", Upstream, 503, true, "业务系统连续失败，暂停访问。", "The agency's system failed repeatedly and is being rested.";
    /// A callback's signature, time or sender is not acceptable.
    CallbackRefused = "CALLBACK_REFUSED", Auth, 401, false, "回调签名、时间或来源不符，未予处理。", "The callback's signature, time or sender is not acceptable; nothing was changed.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The language of public texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Chinese, the default.
    #[default]
    Zh,
    /// English.
    En,
}

/// An error that leaves a service: a code of the table, optional public detail, and the cause for the log.
#[derive(Debug)]
pub struct AppError {
    /// The public code.
    pub code: ErrorCode,
    /// Public detail in both languages, replacing the table's text. Never holds personal data or internals.
    pub detail: Option<(Cow<'static, str>, Cow<'static, str>)>,
    /// When to try again, milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// The upstream system concerned.
    pub upstream: Option<String>,
    /// The cause, logged once at the edge and never shown.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AppError {
    /// An error that is its code and nothing more.
    #[must_use]
    pub const fn of(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            retry_after_ms: None,
            upstream: None,
            source: None,
        }
    }

    /// An unexpected failure with its cause.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::of(ErrorCode::Internal).because(source)
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Replaces the public text by a more exact one.
    #[must_use]
    pub fn detail(mut self, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some((zh.into(), en.into()));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after_ms(mut self, delay_ms: u64) -> Self {
        self.retry_after_ms = Some(delay_ms);
        self
    }

    /// Public text in a language.
    #[must_use]
    pub fn message(&self, language: Language) -> &str {
        match (&self.detail, language) {
            (Some((zh, _)), Language::Zh) => zh,
            (Some((_, en)), Language::En) => en,
            (None, Language::Zh) => self.code.zh(),
            (None, Language::En) => self.code.en(),
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message(Language::En))
    }
}

impl std::error::Error for AppError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|cause| -> &(dyn std::error::Error + 'static) { cause })
    }
}
