//! A subject of the registry: what has to hold of it before anything is written under it.
//!
//! **Invariant:** the registry's word is not taken for compatibility: every version is compared here as well.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use backon::{ConstantBuilder, Retryable};
use schemas::{Subject, check_full};

use super::registry::{Registry, RegistryError};

/// The rule of every subject.
const LEVEL: &str = "FULL_TRANSITIVE";
/// How often, and after which pause, what was refused is looked at again: another node may just have done the same.
const LOOKS_AGAIN: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Makes sure that our newest schema stands under a subject, and that nothing can be registered there that we could not
/// read or that could not read us; returns the id that the registry knows it by.
///
/// # Errors
/// Names the subject, and what the registry says. Whether it was only out of reach is in the chain: [`is_unreachable`].
pub async fn settle(registry: &Registry, name: &str, subject: Subject, may_register: bool) -> Result<u32> {
    let pauses = ConstantBuilder::default().with_delay(PAUSE).with_max_times(LOOKS_AGAIN);
    let settle = || settle_once(registry, name, subject, may_register);
    settle.retry(pauses).sleep(tokio::time::sleep).when(|error| may_register && is_refused(error)).await
}

async fn settle_once(registry: &Registry, name: &str, subject: Subject, may_register: bool) -> Result<u32> {
    let versions = registry.versions(name).await.with_context(|| format!("cannot ask for subject `{name}`"))?;
    for (number, _, avsc) in &versions {
        check_full(avsc, subject.newest()).map_err(|reason| {
            anyhow!("subject `{name}`, version {number}, and our schema `{subject}` cannot read each other: {reason}")
        })?;
    }
    if !may_register {
        let id = registry.look_up(name, subject.newest()).await.with_context(|| format!("subject `{name}`"))?;
        let id = id.with_context(|| {
            format!(
                "subject `{name}` does not hold our schema `{subject}`: register it there, or set `registry.register`"
            )
        })?;
        require_level(registry, name, "set it there, or set `registry.register`").await?;
        return Ok(id);
    }
    // A registry may forget what is said of a subject that it does not know yet.
    if !versions.is_empty() {
        set_level(registry, name).await?;
    }
    let id = registry.register(name, subject.newest()).await.with_context(|| {
        format!("cannot register schema `{subject}` as version {} of subject `{name}`", versions.len() + 1)
    })?;
    set_level(registry, name).await?;
    Ok(id)
}

/// Whether a failure is only that the registry is out of reach.
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(RegistryError::Unreachable(_))))
}

/// Whether the registry said no, which it also does to the second of two nodes that start at once.
fn is_refused(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(RegistryError::Refused { .. })))
}

async fn set_level(registry: &Registry, name: &str) -> Result<()> {
    let level = registry.compatibility(name).await.with_context(|| format!("compatibility of subject `{name}`"))?;
    if level.as_deref() == Some(LEVEL) {
        return Ok(());
    }
    let set = registry.set_compatibility(name, LEVEL).await;
    set.with_context(|| format!("cannot set `{LEVEL}` on subject `{name}`"))?;
    require_level(registry, name, "it was set, and the registry did not keep it").await
}

async fn require_level(registry: &Registry, name: &str, remedy: &str) -> Result<()> {
    let level = registry.compatibility(name).await.with_context(|| format!("compatibility of subject `{name}`"))?;
    match level.as_deref() {
        Some(LEVEL) => Ok(()),
        other => bail!("subject `{name}` is under `{}` and not under `{LEVEL}`: {remedy}", other.unwrap_or("no rule")),
    }
}
