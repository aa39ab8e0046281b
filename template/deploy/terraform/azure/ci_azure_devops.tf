# One service connection of Azure DevOps deploys here. Azure DevOps says by which issuer and subject it signs in
# once it is made, and makes it for the identity that is made here: so this comes second.
resource "azurerm_federated_identity_credential" "ci" {
  count = var.devops_subject == "" ? 0 : 1

  name                = "azure-devops-${var.environment}"
  resource_group_name = azurerm_resource_group.main.name
  parent_id           = azurerm_user_assigned_identity.ci.id
  issuer              = var.devops_issuer
  audience            = ["api://AzureADTokenExchange"]
  subject             = var.devops_subject
}

variable "devops_issuer" {
  description = "Who vouches for the service connection, as its page in Azure DevOps shows it (Issuer). Empty: there is none yet."
  type        = string

  validation {
    condition     = var.devops_issuer == "" || can(regex("^https://login[.]microsoftonline[.]com/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/v2[.]0$", var.devops_issuer))
    error_message = "https://login.microsoftonline.com/, the id of a tenant and /v2.0: the issuer of connections made since November 2025. Convert an older one."
  }
}

variable "devops_subject" {
  description = "What the service connection is called there (Subject identifier). Empty: there is none yet."
  type        = string

  validation {
    condition     = (var.devops_subject == "") == (var.devops_issuer == "") && (var.devops_subject == "" || can(regex("^/eid1/c/pub/t/[A-Za-z0-9_-]+/a/[A-Za-z0-9_-]+/sc/[0-9a-f-]{36}/[0-9a-f-]{36}$", var.devops_subject)))
    error_message = "/eid1/c/pub/t/…/a/…/sc/… with the ids of the organization and of the connection, and only together with devops_issuer."
  }
}
