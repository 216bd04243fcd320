//! Where sessions and holds that are over are found: in the read model, by whoever leads the writing.

use commands::{users, wallets};
use projections::ReadModels;

pub(super) fn find_sessions_over(read_models: ReadModels) -> users::expiry::FindOver {
    Box::new(move |at, limit, min_position| {
        let read_models = read_models.clone();
        Box::pin(async move {
            let found = read_models.users_with_sessions_over(at, limit, min_position).await;
            found.map_err(|error| error.to_string())
        })
    })
}

pub(super) fn find_holds_over(read_models: ReadModels) -> wallets::expiry::FindOver {
    Box::new(move |at, limit, min_position| {
        let read_models = read_models.clone();
        Box::pin(async move {
            let found = read_models.wallets_with_holds_over(at, limit, min_position).await;
            found.map_err(|error| error.to_string())
        })
    })
}
