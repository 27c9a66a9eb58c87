//! Reads and writes documents for the gateway: mappings where there are any, `canonical` as it is.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Result, anyhow};
use mappings::{
    CANONICAL, CONSENT_MISSING_REQUIRED, Catalogue, Complement, Fault, Mapping, ReadOptions, Refusal, WriteOptions,
    Writing, codes::Grade, read_canonical, write_canonical,
};
use schemas::{DialectName, EntityKey, Hash, Kind, LossReport, Mask, Operation, Record, Value, Versions};

use crate::config::{Configuration, Outgoing, Partner};

/// The media type of canonical records in Avro.
const AVRO: &str = "application/vnd.apache.avro";

/// Every dialect there is, with the versions that are told to the journal.
pub struct Dialects {
    catalogue: Catalogue,
    configuration: Hash,
    schema: Hash,
}

/// A document that was read.
pub struct Read {
    /// What it says.
    pub record: Record,
    /// What it does.
    pub operation: Operation,
    /// Which shape it had.
    pub shape: Option<String>,
    /// What the reading could not carry.
    pub loss: LossReport,
    /// What the canonical record cannot hold of it, as JSON.
    pub complement: Vec<u8>,
    /// What was in force.
    pub versions: Versions,
}

/// A document that was written.
pub struct Written {
    /// The document.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// What the writing could not carry.
    pub loss: LossReport,
    /// What was in force.
    pub versions: Versions,
}

impl Dialects {
    /// Loads the dialects of the program and lays those of a folder over them.
    ///
    /// # Errors
    /// Every mistake in a mapping file, a line each.
    pub fn load(folder: Option<&Path>, configuration: Hash) -> Result<Self> {
        let catalogue = folder.map_or_else(Catalogue::embedded, Catalogue::load).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow!("the mappings are wrong:\n{}", lines.join("\n"))
        })?;
        let newest = schemas::published_versions("vacancy").last().copied().unwrap_or_default();
        Ok(Self { catalogue, configuration, schema: Hash::of(newest.as_bytes()) })
    }

    /// The catalogue behind it.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Checks that every partner's dialects exist and can do what is asked of them.
    pub fn check(&self, configuration: &Configuration) -> Result<()> {
        for partner in configuration.partners.values() {
            for (kind, incoming) in &partner.incoming {
                self.require(partner, *kind, &incoming.dialect, "incoming")?;
            }
            for (kind, outgoing) in &partner.outgoing {
                self.require(partner, *kind, &outgoing.dialect, "outgoing")?;
            }
        }
        Ok(())
    }

    fn require(&self, partner: &Partner, kind: Kind, dialect: &DialectName, side: &str) -> Result<()> {
        let known = dialect.as_str() == CANONICAL || self.catalogue.mapping(dialect, kind).is_some();
        anyhow::ensure!(
            known,
            "partner `{}`: there is no mapping of `{dialect}` for `{kind}`, which `{side}.{kind}` asks for; `passerelle mappings list` shows those there are",
            partner.id
        );
        Ok(())
    }

    /// Reads a document of a partner.
    ///
    /// # Errors
    /// One fault per place that cannot be read.
    pub fn read(
        &self,
        dialect: &DialectName,
        kind: Kind,
        partner: &Partner,
        document: &[u8],
    ) -> Result<Read, Vec<Fault>> {
        // A partner's defaults are those of its vacancies: what a person does not say is not made up.
        let defaults = (kind == Kind::Vacancy).then_some(&partner.defaults);
        let options = ReadOptions { defaults, full: false };
        let mapping = self.catalogue.mapping(dialect, kind);
        let reading = match mapping {
            _ if dialect.as_str() == CANONICAL => read_canonical(kind, document, &options),
            Some(mapping) => mapping.read(document, &options),
            None => return Err(vec![unknown_dialect(dialect, kind)]),
        };
        let reading = reading.map_err(|failure| failure.faults)?;
        Ok(Read {
            versions: self.versions(mapping),
            record: reading.record,
            operation: reading.operation,
            shape: reading.shape,
            loss: reading.loss,
            complement: if reading.complement.is_empty() {
                Vec::new()
            } else {
                reading.complement.to_json().into_bytes()
            },
        })
    }

    /// Writes a record for a partner: of a person only what the mask shows, and nothing without one.
    ///
    /// # Errors
    /// Why it cannot be said in that dialect, or may not.
    pub fn write(
        &self,
        outgoing: &Outgoing,
        record: &Record,
        partner: &Partner,
        complement: Option<&[u8]>,
        mask: Option<&Mask>,
    ) -> Result<Written, Refusal> {
        if record.kind().is_personal() && mask.is_none() {
            let problem = "nobody has decided that it may go".to_owned();
            return Err(Refusal { code: "nothing_permitted".to_owned(), path: String::new(), problem });
        }
        let written = self.write_shown(outgoing, record, partner, (complement, mask))?;
        match mask {
            Some(mask) => self.check_shown(&outgoing.dialect, record.kind(), &written.bytes, mask).map(|()| written),
            None => Ok(written),
        }
    }

    fn write_shown(
        &self,
        outgoing: &Outgoing,
        record: &Record,
        partner: &Partner,
        (complement, mask): (Option<&[u8]>, Option<&Mask>),
    ) -> Result<Written, Refusal> {
        let dialect = &outgoing.dialect;
        if dialect.as_str() == CANONICAL {
            let masked = mask.map(|mask| mask.apply(record));
            let record = masked.as_ref().unwrap_or(record);
            let writing = write_canonical(record);
            if !outgoing.is_avro() {
                return Ok(self.written(writing, "application/json", None));
            }
            let bytes = record.to_avro().map_err(|error| {
                let problem = error.to_string();
                Refusal { code: "no_canonical_record".to_owned(), path: String::new(), problem }
            })?;
            return Ok(self.written(Writing { bytes, ..writing }, AVRO, None));
        }
        let Some(mapping) = self.catalogue.mapping(dialect, record.kind()) else {
            let problem = unknown_dialect(dialect, record.kind()).problem;
            return Err(Refusal { code: "unknown_dialect".to_owned(), path: String::new(), problem });
        };
        let complement = complement.and_then(|json| Complement::from_json(std::str::from_utf8(json).ok()?).ok());
        let refused_grades: Vec<Grade> = outgoing.refuse_grades.iter().copied().map(Grade::from).collect();
        let options = WriteOptions {
            parameters: &partner.parameters,
            complement: complement.as_ref(),
            refused_grades: &refused_grades,
            full: false,
            mask,
        };
        let writing = mapping.write(record, &options)?;
        Ok(self.written(writing, mapping.media_type(), Some(mapping)))
    }

    /// Reads back what was written under a mask: what a receiver must have and may not see is not left out in silence, and
    /// a mapping that lets through what is withheld sends nothing.
    fn check_shown(&self, dialect: &DialectName, kind: Kind, bytes: &[u8], mask: &Mask) -> Result<(), Refusal> {
        let options = ReadOptions::default();
        let reading = match self.catalogue.mapping(dialect, kind) {
            _ if dialect.as_str() == CANONICAL => read_canonical(kind, bytes, &options),
            Some(mapping) if mapping.directions().reads() => mapping.read(bytes, &options),
            _ => return Ok(()),
        };
        let refused = |code: &str, path: String| {
            let problem = "the document as it may be shown is not what the dialect asks for".to_owned();
            Refusal { code: code.to_owned(), path, problem }
        };
        let record = reading.map_err(|failure| {
            let path = failure.faults.into_iter().next().map(|fault| fault.pointer);
            refused(CONSENT_MISSING_REQUIRED, path.unwrap_or_default())
        })?;
        let shown = mask.apply(&record.record);
        let shown = leaves(&shown);
        let let_through = leaves(&record.record).into_iter().find(|(path, value)| shown.get(path) != Some(value));
        let_through.map_or(Ok(()), |(path, _)| Err(refused("category_not_permitted", path)))
    }

    fn written(&self, writing: Writing, media_type: &str, mapping: Option<&Arc<Mapping>>) -> Written {
        Written {
            bytes: writing.bytes,
            media_type: media_type.to_owned(),
            loss: writing.loss,
            versions: self.versions(mapping),
        }
    }

    /// Leaves what a document's shape does not speak of as it was before.
    pub fn carry_over(&self, dialect: &DialectName, shape: Option<&str>, previous: &Record, record: &mut Record) {
        if let Some(mapping) = self.catalogue.mapping(dialect, record.kind()) {
            mapping.carry_over(shape, previous, record);
        }
    }

    /// What is in force for a mapping.
    pub fn versions(&self, mapping: Option<&Arc<Mapping>>) -> Versions {
        Versions {
            schema: self.schema.to_string(),
            mapping: mapping.map(|mapping| mapping.hash().to_string()).unwrap_or_default(),
            codes: self.catalogue.codes_hash().to_string(),
            configuration: self.configuration.to_string(),
        }
    }
}

/// Gives a record the names that it goes out under: the entity key as reference, the source's own as an alternate. What a
/// source calls a person is for other services only, as its category says.
pub fn name_for_outside(record: &mut Record, entity: EntityKey, source: &schemas::PartnerId) {
    let model = record.model();
    let reference = record.text("reference").map(Value::text);
    let slot = |path: &str| schemas::Path::resolve(model, path).expect("the schema has references");
    if let Some(reference) = reference {
        let alternates = if record.kind().is_personal() { "source_ids" } else { "alternate_references" };
        *slot(&format!("{alternates}[{source}].value")).slot(record.root_mut()) = reference;
    }
    *slot("reference").slot(record.root_mut()) = Value::text(entity.to_string());
}

/// What a record says, by place; what it says of what was withheld left out.
fn leaves(record: &Record) -> BTreeMap<String, &Value> {
    let mut leaves = BTreeMap::new();
    record.visit_leaves(&mut |path, value| {
        if !path.starts_with("withheld") {
            leaves.insert(path.to_owned(), value);
        }
    });
    leaves
}

fn unknown_dialect(dialect: &DialectName, kind: Kind) -> Fault {
    let problem =
        format!("there is no mapping of `{dialect}` for `{kind}`; `passerelle mappings list` shows those there are");
    Fault { pointer: String::new(), code: "unknown_dialect".to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use schemas::Category;
    use serde_json::json;

    use super::*;

    fn partner() -> Partner {
        let file = "name = \"X\"\ncountry = \"BE\"\nrole = \"employer\"\n[outgoing.talent_profile]\n\
                    dialect = \"hropen-json\"\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n\
                    [outgoing.talent_profile.consent]\npurposes = [\"dpv:PersonnelHiring\"]\n";
        Partner::parse("acme", file).unwrap()
    }

    fn profile() -> Record {
        let said = json!({
            "reference": "P-1",
            "person": {"names": [{"script": "Latn", "full": "Amina Voorbeeld"}], "birth_date": "1990-04-05"},
            "skills_text": "Lassen",
        });
        Record::from_json(Kind::TalentProfile, &said).unwrap()
    }

    #[test]
    fn nothing_of_a_person_is_written_without_a_decision() {
        let dialects = Dialects::load(None, Hash::of(b"")).unwrap();
        let (partner, record) = (partner(), profile());
        let outgoing = &partner.outgoing[&Kind::TalentProfile];
        for dialect in ["hropen-json", CANONICAL] {
            let outgoing = Outgoing { dialect: dialect.parse().unwrap(), ..outgoing.clone() };
            let Err(refusal) = dialects.write(&outgoing, &record, &partner, None, None) else { panic!("{dialect}") };
            assert_eq!(refusal.code, "nothing_permitted", "{dialect}");
            let mask = Mask::permitting([Category::Skills]);
            let Ok(written) = dialects.write(&outgoing, &record, &partner, None, Some(&mask)) else {
                panic!("{dialect}")
            };
            let text = String::from_utf8(written.bytes).unwrap();
            assert!(text.contains("Lassen") && !text.contains("Amina") && !text.contains("1990"), "{text}");
        }
    }

    #[test]
    fn what_shows_more_than_the_mask_is_found_out() {
        let dialects = Dialects::load(None, Hash::of(b"")).unwrap();
        let (partner, record) = (partner(), profile());
        let outgoing = &partner.outgoing[&Kind::TalentProfile];
        let wide = Mask::permitting([Category::Skills, Category::Identity]);
        let Ok(written) = dialects.write(outgoing, &record, &partner, None, Some(&wide)) else { panic!("refused") };
        let check = |mask: &Mask| dialects.check_shown(&outgoing.dialect, Kind::TalentProfile, &written.bytes, mask);
        assert!(check(&wide).is_ok());
        let refusal = check(&Mask::permitting([Category::Skills])).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.path.as_str()), ("category_not_permitted", "person.names[0].full"));
    }
}
