# Jobs of one project at GitLab, on its protected branch main and for this environment, deploy here. Azure
# compares the subject alone: README.md says how the project comes to say all this in it.
resource "azurerm_federated_identity_credential" "ci" {
  name                = "gitlab-${var.environment}"
  resource_group_name = azurerm_resource_group.main.name
  parent_id           = azurerm_user_assigned_identity.ci.id
  issuer              = "https://${var.gitlab_host}"
  audience            = ["api://AzureADTokenExchange"]
  subject             = "project_id:${var.gitlab_project_id}:ref_type:branch:ref:main:ref_protected:true:deployment_tier:${var.environment}"
}

variable "gitlab_host" {
  description = "Where GitLab is, when it is one of your own: Azure has to reach it."
  type        = string
  default     = "gitlab.com"

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$", var.gitlab_host))
    error_message = "A name such as gitlab.example.com, without https://."
  }
}

variable "gitlab_project_id" {
  description = "Number of the project at GitLab, which no other one can get: it is in the menu (⋮) of the project's page."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.gitlab_project_id))
    error_message = "The project's number: it is in the menu (⋮) of the project's page."
  }
}
