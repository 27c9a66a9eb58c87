//! Logs and metrics. Never a payload, a token, a name, an e-mail address or an IP address.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::LogFormat;

/// Starts the log on standard error.
///
/// # Errors
/// If the directives are wrong, or a log was started before.
pub fn start_log(directives: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_new(directives).with_context(|| format!("`telemetry.log` is wrong: `{directives}`"))?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()))
            .try_init()?,
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()?,
    }
    Ok(())
}

/// Starts counting. Once per process.
///
/// # Errors
/// If counting was started before.
pub fn start_metrics() -> Result<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().context("cannot start the metrics")
}
