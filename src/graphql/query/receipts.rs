//! Receipts (回执) for whoever holds one.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use onedoor_domain::receipt::qr::QrPayload;

use crate::graphql::reach::{failed, request};
use crate::graphql::types::receipt_check::{ReceiptBy, ReceiptVerification};
use crate::service::ledger::{Asked, Ledger};

/// Fields of Query about receipts.
#[derive(Debug, Default, Clone, Copy)]
pub struct ReceiptQueries;

/// Fields of Query about receipts.
#[Object]
impl ReceiptQueries {
    /// Whether a receipt (回执) is genuine, for anybody who holds it or its QR code (回执验真).
    async fn verify_receipt(&self, ctx: &Context<'_>, by: ReceiptBy) -> Option<Result<ReceiptVerification>> {
        Some(verify(ctx, by).await)
    }
}

async fn verify(ctx: &Context<'_>, by: ReceiptBy) -> Result<ReceiptVerification> {
    let asked = match by {
        ReceiptBy::Document(document) => Asked::Held(document.into()),
        ReceiptBy::Id(id) => Asked::Id(id.parse().ok()),
        ReceiptBy::QrPayload(text) => Asked::Qr(QrPayload::parse(&text)),
    };
    let checked = ctx
        .data::<Arc<Ledger>>()?
        .check(&request(ctx)?.actor, asked)
        .await;
    Ok(checked.map_err(|error| failed(ctx, error))?.into())
}
