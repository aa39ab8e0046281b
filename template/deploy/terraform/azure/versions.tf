terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
  }

  # Which account, is said at `init`: -backend-config=environments/staging.tfbackend
  # It leases the state's blob while it works: two applies at once do not happen.
  backend "azurerm" {}
}
