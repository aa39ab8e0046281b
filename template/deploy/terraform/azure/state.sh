#!/bin/sh
# Makes where the state of an environment is kept, and fills in where that is, who pays and who works on it:
#     sh deploy/terraform/azure/state.sh staging
# Run it again whenever it was cut off: what is there stays.
set -eu
cd "$(dirname "$0")/environments"
environment=${1:?"which: staging or production"}

setting() { # of a file, a name
    sed -n "s/^$2 *= *\"\(.*\)\"/\1/p" "$1"
}

group=$(setting "$environment.tfbackend" resource_group_name)
region=$(setting "$environment.tfvars" region)
subscription=$(az account show --query id --output tsv)
me=$(az ad signed-in-user show --query id --output tsv)
# Accounts are known by one name in all of Azure: this is the same whenever it is asked.
account=tfstate$(printf '%s/%s' "$subscription" "$group" | cksum | cut -d ' ' -f 1)

for namespace in App Consumption ContainerRegistry ContainerService Insights KeyVault ManagedIdentity \
    Network OperationalInsights Storage; do
    az provider register --namespace "Microsoft.$namespace" --wait
done
az group create --name "$group" --location "$region" --output none
az storage account create --name "$account" --resource-group "$group" --location "$region" \
    --sku Standard_ZRS --min-tls-version TLS1_2 --https-only true \
    --allow-blob-public-access false --allow-shared-key-access false --output none
az storage account blob-service-properties update --account-name "$account" --resource-group "$group" \
    --enable-versioning true --enable-delete-retention true --delete-retention-days 30 --output none
az storage container-rm create --name tfstate --storage-account "$account" --resource-group "$group" \
    --output none
az lock create --name state --lock-type CanNotDelete --resource-group "$group" \
    --resource-name "$account" --resource-type Microsoft.Storage/storageAccounts --output none
az role assignment create --role "Storage Blob Data Contributor" --assignee-object-id "$me" \
    --assignee-principal-type User --scope "/subscriptions/$subscription/resourceGroups/$group" --output none

fill() { # in a file, what is empty
    sed "$2" "$1" >"$1.new"
    mv "$1.new" "$1"
}

fill "$environment.tfbackend" "s/^\(storage_account_name *= \)\"\"$/\1\"$account\"/"
fill "$environment.tfvars" "s/^\(subscription_id *= \)\"\"$/\1\"$subscription\"/; s/^\(operators *= \)\[\]$/\1[\"$me\"]/"
echo "The state of $environment is in $account; environments/$environment.* say so."
