# Model registry and reports. Reached with an identity, from the containers' network and from operators'.
resource "azurerm_storage_account" "data" {
  #checkov:skip=CKV_AZURE_33:there are no queues in it
  #checkov:skip=CKV_AZURE_59:network_rules let in the containers' subnet and operators' networks alone
  #checkov:skip=CKV_AZURE_206:copies in three zones; one in another region would take the data out of its own
  #checkov:skip=CKV2_AZURE_1:encrypted twice with Azure's keys, which nobody here can lose
  #checkov:skip=CKV2_AZURE_33:the subnet's service endpoint does the same, and costs nothing
  name                = "${substr(local.short, 0, 16)}${local.suffix}"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags

  account_kind             = "StorageV2"
  account_tier             = "Standard"
  account_replication_type = "ZRS"

  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  infrastructure_encryption_enabled = true

  shared_access_key_enabled        = false # its keys are in the state, and open nothing
  default_to_oauth_authentication  = true
  local_user_enabled               = false
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false

  network_rules {
    default_action             = "Deny"
    bypass                     = ["AzureServices"]
    ip_rules                   = local.operator_networks
    virtual_network_subnet_ids = [azurerm_subnet.containers.id]
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_container" "data" {
  #checkov:skip=CKV2_AZURE_21:containers read every few seconds; writing and deleting are logged, see logs.tf
  name                  = "artifacts"
  storage_account_id    = azurerm_storage_account.data.id
  container_access_type = "private"

  lifecycle {
    prevent_destroy = true
  }
}

# What was overwritten is kept for a quarter.
resource "azurerm_storage_management_policy" "data" {
  storage_account_id = azurerm_storage_account.data.id

  rule {
    name    = "old-versions"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      version {
        delete_after_days_since_creation = 90
      }
    }
  }
}

# Against a click in the portal. Rights on the data cannot be taken away either, while it is there.
resource "azurerm_management_lock" "data" {
  name       = "data"
  scope      = azurerm_storage_account.data.id
  lock_level = "CanNotDelete"
  notes      = "Model registry and reports of ${local.name}: README.md says how all of it is taken down."

  # On the way down it goes before them.
  depends_on = [
    azurerm_role_assignment.data,
    azurerm_role_assignment.operators_data,
  ]
}
