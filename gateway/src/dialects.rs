//! Reads and writes documents for the gateway: mappings where there are any, `canonical` as it is.

use std::path::Path;

use anyhow::{Result, anyhow};
use mappings::{Catalogue, Complement, Fault, Mapping, ReadOptions, Refusal, WriteOptions, codes::Grade};
use schemas::{DialectName, EntityKey, Hash, Kind, LossReport, Operation, Record, Value, Versions};

use crate::config::{Configuration, Outgoing, Partner};

/// Name of the dialect that is the canonical record itself, as plain JSON.
pub const CANONICAL: &str = "canonical";

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
        if dialect.as_str() == CANONICAL {
            return self.read_canonical(kind, document);
        }
        let Some(mapping) = self.catalogue.mapping(dialect, kind) else {
            return Err(vec![fault("", "unknown_dialect", format!("there is no mapping of `{dialect}` for `{kind}`"))]);
        };
        let options = ReadOptions { defaults: Some(&partner.defaults), full: false };
        let reading = mapping.read(document, &options).map_err(|failure| failure.faults)?;
        Ok(Read {
            versions: self.versions(Some(mapping)),
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

    fn read_canonical(&self, kind: Kind, document: &[u8]) -> Result<Read, Vec<Fault>> {
        let json = serde_json::from_slice(document).map_err(|error| {
            vec![fault("", "not_json", format!("no JSON: line {}, column {}", error.line(), error.column()))]
        })?;
        let record = Record::from_json(kind, &json).map_err(|errors| {
            errors.into_iter().map(|error| fault(&error.pointer, "not_canonical", error.problem)).collect::<Vec<_>>()
        })?;
        let mut kept = 0;
        record.visit_leaves(&mut |_, _| kept += 1);
        Ok(Read {
            record,
            operation: Operation::Upsert,
            shape: None,
            loss: LossReport { kept, entries: Vec::new() },
            complement: Vec::new(),
            versions: self.versions(None),
        })
    }

    /// Writes a record for a partner.
    ///
    /// # Errors
    /// Why it cannot be said in that dialect.
    pub fn write(
        &self,
        outgoing: &Outgoing,
        record: &Record,
        partner: &Partner,
        complement: Option<&[u8]>,
    ) -> Result<Written, Refusal> {
        let dialect = &outgoing.dialect;
        if dialect.as_str() == CANONICAL {
            let bytes = serde_json::to_vec(record).map_err(|error| refusal("not_canonical", error.to_string()))?;
            return Ok(Written {
                bytes,
                media_type: "application/json".to_owned(),
                loss: LossReport::default(),
                versions: self.versions(None),
            });
        }
        let Some(mapping) = self.catalogue.mapping(dialect, record.kind()) else {
            return Err(refusal("unknown_dialect", format!("there is no mapping of `{dialect}`")));
        };
        let complement = complement.and_then(|json| Complement::from_json(std::str::from_utf8(json).ok()?).ok());
        let refused_grades: Vec<Grade> = outgoing.refuse_grades.iter().copied().map(Grade::from).collect();
        let options = WriteOptions {
            parameters: &partner.parameters,
            complement: complement.as_ref(),
            refused_grades: &refused_grades,
            full: false,
        };
        let writing = mapping.write(record, &options)?;
        Ok(Written {
            bytes: writing.bytes,
            media_type: mapping.media_type().to_owned(),
            loss: writing.loss,
            versions: self.versions(Some(mapping)),
        })
    }

    /// Leaves what a document's shape does not speak of as it was before.
    pub fn carry_over(&self, dialect: &DialectName, shape: Option<&str>, previous: &Record, record: &mut Record) {
        if let Some(mapping) = self.catalogue.mapping(dialect, record.kind()) {
            mapping.carry_over(shape, previous, record);
        }
    }

    /// What is in force for a mapping.
    pub fn versions(&self, mapping: Option<&std::sync::Arc<Mapping>>) -> Versions {
        Versions {
            schema: self.schema.to_string(),
            mapping: mapping.map(|mapping| mapping.hash().to_string()).unwrap_or_default(),
            codes: self.catalogue.codes_hash().to_string(),
            configuration: self.configuration.to_string(),
        }
    }
}

/// Gives a record the names that it goes out under: the entity key as reference, the source's own as an alternate.
pub fn name_for_outside(record: &mut Record, entity: EntityKey, source: &schemas::PartnerId) {
    let model = record.model();
    let reference = record.text("reference").map(Value::text);
    let slot = |path: &str| schemas::Path::resolve(model, path).expect("the schema has references");
    if let Some(reference) = reference {
        *slot(&format!("alternate_references[{source}].value")).slot(record.root_mut()) = reference;
    }
    *slot("reference").slot(record.root_mut()) = Value::text(entity.to_string());
}

fn fault(pointer: &str, code: &str, problem: String) -> Fault {
    Fault { pointer: pointer.to_owned(), code: code.to_owned(), problem }
}

fn refusal(code: &str, problem: String) -> Refusal {
    Refusal { code: code.to_owned(), path: String::new(), problem }
}
