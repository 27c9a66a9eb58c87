//! Checks the samples of all mappings, or writes what belongs beside them (`--write`), to be reviewed by hand.

use std::{fs, path::Path};

use mappings::{Catalogue, laws};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_writing = arguments.iter().any(|argument| argument == "--write");
    let catalogue = match Catalogue::load(Path::new("mappings")) {
        Ok(catalogue) => catalogue,
        Err(errors) => {
            for error in errors {
                println!("{error}");
            }
            std::process::exit(1);
        }
    };
    let wanted = arguments.iter().find(|argument| !argument.starts_with("--"));
    let mut broken = 0;
    for mapping in catalogue.mappings().filter(|mapping| wanted.is_none_or(|name| mapping.dialect().as_str() == name)) {
        if is_writing {
            let folder = Path::new("mappings/dialects").join(mapping.dialect().as_str()).join("samples");
            match laws::written_samples(&catalogue, mapping) {
                Ok(files) => {
                    for file in files {
                        fs::write(folder.join(&file.file), file.bytes).expect("the samples folder can be written");
                    }
                }
                Err(problem) => println!("{problem}"),
            }
            continue;
        }
        for sample in laws::samples(mapping) {
            for problem in laws::check_sample(&catalogue, mapping, &sample) {
                println!("{problem}");
                broken += 1;
            }
        }
    }
    println!("{broken} problems");
}
