provider "azurerm" {
  subscription_id     = var.subscription_id
  storage_use_azuread = true

  # state.sh has registered them: who deploys needs no right on the subscription for it.
  resource_provider_registrations = "none"

  features {
    key_vault {
      purge_soft_delete_on_destroy = false
    }

    # The data is not Terraform's to read, and its network rules keep it from where this runs.
    storage {
      data_plane_available = false
    }
  }
}

locals {
  name = "${var.project}-${var.environment}"

  # Accounts, vaults and registries are known by one name in all of Azure.
  short  = replace(var.project, "-", "")
  suffix = substr(sha256("${var.subscription_id}/${local.name}"), 0, 8)

  tags = {
    project     = var.project
    environment = var.environment
    managed_by  = "terraform"
  }

  # Rules of storage and vault take a single address without its /32.
  operator_networks = [for network in var.operator_cidrs : trimsuffix(network, "/32")]
}

data "azurerm_client_config" "current" {}

# Inside it, names say no more than what a thing is.
resource "azurerm_resource_group" "main" {
  name     = local.name
  location = var.region
  tags     = local.tags
}
