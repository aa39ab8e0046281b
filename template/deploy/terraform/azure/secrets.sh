#!/bin/sh
# Puts the secrets that an environment is to have from .env into its vault, the one `terraform init` chose:
#     sh deploy/terraform/azure/secrets.sh
# They go from here to the vault, and are in no state of Terraform's.
set -eu
cd "$(dirname "$0")"
[ -f ../../../.env ] || { echo "there is no .env: copy .env.example to it, and fill it in" >&2; exit 1; }
vault=$("${TERRAFORM:-terraform}" output -raw vault)
names=$("${TERRAFORM:-terraform}" output -json secrets | tr ',' '\n' | sed -n 's/^[{ ]*"\([A-Z_]*\)".*/\1/p')

value() { # by its name; of quotes around it, one pair is taken off
    sed -n "s/^$1=//p" ../../../.env | tail -n 1 | sed "s/^\"\(.*\)\"$/\1/; s/^'\(.*\)'$/\1/"
}

for name in $names; do
    if [ -z "$(value "$name")" ]; then
        echo ".env has no value of $name: write it there, or take it out of \`secrets\`" >&2
        exit 1
    fi
done
for name in $names; do
    # Azure's command line reads a file alone without telling other processes what is in it.
    value "$name" | tr -d '\n' | az keyvault secret set --vault-name "$vault" \
        --name "$(echo "$name" | tr '[:upper:]_' '[:lower:]-')" --file /dev/stdin --output none
    echo "$name is in $vault"
done
