# Recipes for people and CI. `just` is the PyPI package rust-just.

set shell := ["bash", "-euo", "pipefail", "-c"]

binary := "target/debug/passerelle"

# List the recipes
default:
    @just --list

# Everything that keeps the code as it is meant to be
check: format lint docs deny config

# Is every file formatted?
format:
    cargo fmt --all --check

# Warnings fail
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy --workspace --locked --test cluster --test moving --test partner_topics --test registry \
        --test third_party -- -D warnings

# Do the docs build, and is everything public documented?
docs:
    RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

# Licences, sources, and who may depend on whom
deny:
    cargo deny --locked check bans licenses sources

# Shipped configuration, mappings and code lists
config: build
    {{binary}} check --deny-warnings
    {{binary}} check --deny-warnings --config docker/example/passerelle.toml

# Build the binary as the tests do
build:
    cargo build --workspace --locked

# Pass the tests
test:
    cargo test --workspace --locked

# Kills, power cuts, a full disk, a misbehaving partner, a jumping clock
faults:
    cargo test --locked --package gateway --test faults -- --nocapture

# Kafka, registry and PostgreSQL for the tests; needs Java and Maven
engines:
    tests/engines/engines install --registry --postgres

# A Python with what a third party would install
third-party:
    python3 -m venv target/third-party
    target/third-party/bin/pip install --quiet --disable-pip-version-check --requirement tests/third_party/requirements.txt

# What meets the real Kafka, registry and PostgreSQL: a broker that does not start is a failure
test-kafka: engines third-party
    tests/engines/engines run --brokers 1 --registry --postgres -- bash -euc ' \
        cargo test --locked --workspace --bin passerelle -- backbone:: moving:: store:: vault::; \
        cargo test --locked --workspace --test moving --test partner_topics --test registry --test third_party'

# The daemon of the commit before this one, for the test of both in one group; none where git knows none
previous:
    #!/usr/bin/env bash
    set -euo pipefail
    folder="$PWD/target/previous"
    if ! commit=$(git rev-parse --verify --quiet HEAD^); then
        rm -rf "$folder"
        exit 0
    fi
    [ "$(cat "$folder/commit" 2> /dev/null)" != "$commit" ] || exit 0
    rm -rf "$folder"
    mkdir -p "$folder/source"
    # Cargo must not take one of the two for the other: the files are of now, and our own packages built differently.
    git archive "$commit" | tar --extract --touch --directory "$folder/source"
    target=${CARGO_TARGET_DIR:-$PWD/target}
    (cd "$folder/source" && members=(*/Cargo.toml) && CARGO_TARGET_DIR="$target" cargo build --locked --workspace --bin passerelle \
        $(printf -- '--config profile.dev.package.%s.debug=false ' "${members[@]%/*}"))
    mv "$target/debug/passerelle" "$folder/passerelle"
    rm -rf "$folder/source"
    echo "$commit" > "$folder/commit"

# Two gateways on three brokers while everything breaks in turn; brokers cut off and full disks want root
test-faults: engines previous
    #!/usr/bin/env bash
    set -euo pipefail
    start=(tests/engines/engines run --brokers 3 --registry --postgres)
    if [ "$(id -u)" = 0 ]; then
        disk=$(mktemp -d)
        mount -t tmpfs -o size=1g tmpfs "$disk"
        trap 'umount -l "$disk"; rmdir "$disk"' EXIT
        export PASSERELLE_TEST_BROKER_DISK="$disk"
        start+=(--apart --broker-data "3=$disk/log")
    fi
    "${start[@]}" -- cargo test --locked --workspace --test cluster -- --nocapture --test-threads 1

# The same for hours, with random faults: `just soak 8`
soak hours="1":
    PASSERELLE_SOAK_SECONDS=$(({{ hours }} * 3600)) just test-faults

# A gateway that decides about persons when it routes and never again: the checker must find it out
routing-only:
    #!/usr/bin/env bash
    set -euo pipefail
    folder="$PWD/target/routing-only"
    rm -rf "$folder"
    mkdir -p "$folder/source"
    ln -s "$PWD"/[!t]* "$PWD/tests" "$folder/source"
    rm "$folder/source/gateway"
    cp -r gateway "$folder/source"
    patch --quiet --strip 1 --directory "$folder/source" < tests/withdrawals/routing_only.patch
    # Only the gateway is compiled, apart from the one that is right: cargo sees it built otherwise.
    PATCHED="$folder/source" cargo build --locked --workspace --bin passerelle --target-dir "${CARGO_TARGET_DIR:-target}" \
        --config 'build.rustc-wrapper="tests/withdrawals/patched_rustc"' --config profile.dev.package.gateway.codegen-units=64 \
        --config profile.dev.package.gateway.debug=false
    mv "${CARGO_TARGET_DIR:-target}/debug/passerelle" "$folder/passerelle"
    rm -rf "$folder/source"

# Is it found out? A few persons are enough: each of them is sent some twenty documents
test-routing-only persons="16": routing-only
    PASSERELLE_TEST_PERSONS={{ persons }} PASSERELLE_TEST_ROUTING_ONLY="$PWD/target/routing-only/passerelle" \
        cargo test --locked --workspace --test withdrawals -- --nocapture --exact a_gateway_that_decides_only_at_routing_is_found_out

# Ten thousand sends and withdrawals at the same time, on files and on two nodes that are killed
test-withdrawals persons="900": engines routing-only
    PASSERELLE_TEST_PERSONS={{ persons }} PASSERELLE_TEST_ROUTING_ONLY="$PWD/target/routing-only/passerelle" \
        tests/engines/engines run --brokers 1 --registry --postgres -- \
        cargo test --locked --package gateway --test withdrawals -- --include-ignored --nocapture --test-threads 1

# The gateway from outside with its log in Kafka and its store in PostgreSQL, each in topics and a database of its own
test-distributed: engines test-routing-only
    tests/engines/engines run --brokers 1 --registry --postgres -- bash -euc ' \
        cargo test --locked --workspace --test withdrawals -- --ignored --nocapture; \
        export PASSERELLE_TEST_LOG=$PASSERELLE_TEST_KAFKA PASSERELLE_TEST_STORE=$PASSERELLE_TEST_POSTGRESQL; \
        cargo test --locked --workspace --test way --test door --test delivery --test feed --test poll \
        --test operators --test store --test profiles --test person_feeds --test markers --test candidates --test identity --test media'

# Is docker/ right, and does it name what the tests use?
docker:
    tests/engines/test_compose.py

# Hostile input for each reader; what is found is kept below mappings/fuzz/artifacts
fuzz seconds="60":
    rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
    cargo fuzz --version > /dev/null 2>&1 || cargo install --locked cargo-fuzz
    mappings/fuzz/run {{seconds}}

# A quarter of an hour on two cores. What it rests on: `just mutants '{transfer.rs,horizon.rs,grant/*.rs,terms/category.rs}'`
# Does a test notice every change of the decision about consent? Not in CI
mutants files="decision/**":
    cargo mutants --version > /dev/null 2>&1 || cargo install --locked cargo-mutants
    mkdir -p target
    # A target folder of its own: a build beside it would put its tests in the place of the mutant's.
    CARGO_TARGET_DIR="$PWD/target/mutants" CARGO_PROFILE_DEV_DEBUG=0 PROPTEST_MAX_SHRINK_ITERS=0 \
        cargo mutants --package consent --file 'consent/src/{{ files }}' --timeout 120 --output target -- --lib

# Samples, laws and coverage of every mapping
mappings: build
    {{binary}} mappings test

# Invented traffic between stub partners
demo seconds="20": build
    {{binary}} demo --seconds {{seconds}}

# The same traffic with the log on three Kafka brokers and the store in PostgreSQL; one broker is killed halfway
demo-kafka seconds="30": build engines
    tests/engines/engines run --brokers 3 --registry --postgres -- bash -euc ' \
        export PASSERELLE__ENGINES__BACKBONE=kafka PASSERELLE__ENGINES__STORE=postgresql; \
        export PASSERELLE__KAFKA__BOOTSTRAP_SERVERS=$PASSERELLE_TEST_KAFKA PASSERELLE__REGISTRY__URL=$PASSERELLE_TEST_REGISTRY; \
        export PASSERELLE__POSTGRESQL__URL=$PASSERELLE_TEST_POSTGRESQL PASSERELLE__VAULT__URL=${PASSERELLE_TEST_POSTGRESQL%/*}/keys; \
        $(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/createdb --maintenance-db "$PASSERELLE_TEST_POSTGRESQL" keys; \
        {{binary}} demo --seconds {{seconds}} & \
        sleep $(({{seconds}} / 2)); echo "--- broker 2 is killed"; tests/engines/engines broker kill 2; \
        wait $!'

# Speed, side by side with a floor
bench: optimised
    target/release/passerelle bench translate
    target/release/passerelle bench accept

# Do the benchmarks run? Their figures mean nothing without optimisation
bench-look: build
    {{binary}} bench translate
    {{binary}} bench accept --rounds 1 --seconds 2

# Build the binary as users run it
optimised:
    cargo build --release --locked --package gateway

# In and out again: a short look on both engines
bench-flow: optimised engines
    target/release/passerelle bench flow --rounds 1 --seconds 2 --backlog 0
    tests/engines/engines run --brokers 1 --registry --postgres -- \
        target/release/passerelle bench flow --engine kafka --rounds 1 --seconds 2 --backlog 0

# The same in full, on three brokers: an hour, and gigabytes in the folder for temporary files
bench-flow-long: optimised engines
    target/release/passerelle bench flow
    tests/engines/engines run --brokers 3 --registry --postgres -- target/release/passerelle bench flow --engine kafka --kill

# All that CI runs
ci: test check docker mappings bench-look (demo "20") test-kafka test-distributed test-faults
