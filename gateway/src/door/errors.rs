//! The pages about codes: what a problem's `type` leads to.

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use super::problem::Problem;
use crate::code::page;

/// The form of the pages.
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Lists every code that the gateway can give.
#[utoipa::path(get, path = "/errors", tag = "errors",
    responses((status = 200, description = "A line per code, with a link to its page.", body = String, content_type = "text/markdown", example = "- [`unreadable`](/errors/unreadable)")))]
pub async fn list() -> Response {
    let lines: Vec<String> = page::all().map(|(code, _)| format!("- [`{code}`](/errors/{code})\n")).collect();
    ([(header::CONTENT_TYPE, MARKDOWN)], lines.concat()).into_response()
}

/// Tells the cause and the remedy of a code.
#[utoipa::path(get, path = "/errors/{code}", tag = "errors", params(("code" = String, Path, example = "unreadable")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/markdown", example = "# `unreadable`"),
        (status = 404, description = "No such code.", body = Problem, content_type = "application/problem+json")))]
pub async fn show(Path(code): Path<String>) -> Result<Response, Problem> {
    let page = page::of(&code).ok_or_else(|| Problem::not_found("code"))?;
    Ok(([(header::CONTENT_TYPE, MARKDOWN)], page).into_response())
}
