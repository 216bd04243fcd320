//! Runs a program to its end, on a thread that lives exactly as long as the program does (see `child`).

use super::child::Launch;
use super::error::RuntimeError;
use super::last_words;

pub(super) async fn run(name: &'static str, launch: Launch) -> Result<(), RuntimeError> {
    let log = launch.output.clone();
    let (answer, ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name(format!("run-{name}"))
        .spawn(move || {
            let result = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .and_then(|runtime| runtime.block_on(async { launch.spawn()?.wait().await }));
            // Nobody may be waiting any more; then nobody wants to know.
            let _unheard = answer.send(result);
        })
        .map_err(RuntimeError::file("start a thread for", name))?;
    let failed = |reason: String| RuntimeError::NotStarted { server: name, reason, log: log.clone() };
    match ended.await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(failed(match last_words::of(&log, &log) {
            Some(line) => format!("{status}: {line}"),
            None => status.to_string(),
        })),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_gone) => Err(failed("its thread ended".to_owned())),
    }
}
