#!/bin/bash
# A user and a database each for the gateways and for the registry, made with the first start.
set -euo pipefail

make() {
    psql --no-psqlrc --quiet --username postgres --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
SQL
}

make passerelle "$(cat /run/secrets/postgres-passerelle)"
make registry "$(sed -n 's/^apicurio.datasource.password=//p' /run/secrets/registry.properties)"
