resource "azurerm_log_analytics_workspace" "main" {
  name                = local.name
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags

  sku                          = "PerGB2018"
  retention_in_days            = var.log_retention_days
  local_authentication_enabled = false # its keys are in the state, and open nothing
}

locals {
  # What the containers say, what became of them, and who was at the secrets, the data and the images.
  logged = {
    containers = {
      id         = azurerm_container_app_environment.main.id
      categories = ["ContainerAppConsoleLogs", "ContainerAppSystemLogs"]
    }
    data = {
      id         = "${azurerm_storage_account.data.id}/blobServices/default"
      categories = ["StorageDelete", "StorageWrite"]
    }
    images = {
      id         = azurerm_container_registry.images.id
      categories = ["ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"]
    }
    secrets = {
      id         = azurerm_key_vault.secrets.id
      categories = ["AuditEvent"]
    }
  }
}

resource "azurerm_monitor_diagnostic_setting" "main" {
  for_each = local.logged

  name                           = "logs"
  target_resource_id             = each.value.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.main.id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = each.value.categories

    content {
      category = enabled_log.value
    }
  }

  # Azure names it for some of them alone, and would report a change for ever.
  lifecycle {
    ignore_changes = [log_analytics_destination_type]
  }
}
