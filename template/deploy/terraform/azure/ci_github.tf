# Workflows of one repository, in its GitHub environment of this name, deploy here.
resource "azurerm_federated_identity_credential" "ci" {
  name                = "github-${var.environment}"
  resource_group_name = azurerm_resource_group.main.name
  parent_id           = azurerm_user_assigned_identity.ci.id
  issuer              = "https://token.actions.githubusercontent.com"
  audience            = ["api://AzureADTokenExchange"]
  subject             = "repo:${var.repository}:environment:${var.environment}"
}

variable "repository" {
  description = "The repository on GitHub whose workflows deploy here, as its tokens name it: owner/name, or with ids for one made after June 2026."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9@-]+/[A-Za-z0-9@._-]+$", var.repository))
    error_message = "owner/name, or owner@id/name@id where the repository's tokens carry ids: README.md says how to see which."
  }
}
