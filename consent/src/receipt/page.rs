//! The page to print. Everything that is filled in is escaped by the template engine.

use minijinja::{Environment, context};

use super::Receipt;

const TEMPLATE: &str = include_str!("receipt.html");

/// Fills the template; by its name the engine knows that it is HTML.
pub fn render(receipt: &Receipt) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.add_template("receipt.html", TEMPLATE)?;
    let day = |moment| receipt.texts.day(moment);
    environment.get_template("receipt.html")?.render(context! {
        receipt,
        words => receipt.words(),
        made => receipt.texts.page_with("print", &[("moment", &day(receipt.made_at))]),
        asked => receipt.asked_at.map(day),
        given => receipt.given_at.map(day),
        numbers => (1..=receipt.permissions.len())
            .map(|number| receipt.texts.page_with("permission", &[("number", &number.to_string())]))
            .collect::<Vec<_>>(),
    })
}
