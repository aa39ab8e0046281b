# Workflows of one repository, in its GitHub environment of this name, deploy here without a key.
resource "azurerm_user_assigned_identity" "ci" {
  name                = "ci"
  resource_group_name = azurerm_resource_group.main.name
  location            = azurerm_resource_group.main.location
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "ci" {
  name                = "github-${var.environment}"
  resource_group_name = azurerm_resource_group.main.name
  parent_id           = azurerm_user_assigned_identity.ci.id
  issuer              = "https://token.actions.githubusercontent.com"
  audience            = ["api://AzureADTokenExchange"]
  subject             = "repo:${var.repository}:environment:${var.environment}"
}

# To put another image in its place. What else changes here is applied by a person.
resource "azurerm_role_definition" "deploy" {
  name        = "${local.name}-${local.suffix} deploys"
  description = "Changes container apps and jobs, and starts jobs."
  scope       = azurerm_resource_group.main.id

  permissions {
    actions = [
      "Microsoft.App/containerApps/listSecrets/action", # what Terraform compares with: references into the vault
      "Microsoft.App/containerApps/read",
      "Microsoft.App/containerApps/write",
      "Microsoft.App/jobs/listSecrets/action",
      "Microsoft.App/jobs/read",
      "Microsoft.App/jobs/start/action",
      "Microsoft.App/jobs/write",
      "Microsoft.App/managedEnvironments/join/action",
      "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ]
  }

  assignable_scopes = [azurerm_resource_group.main.id]
}

resource "azurerm_role_assignment" "ci_deploys" {
  scope              = azurerm_resource_group.main.id
  role_definition_id = azurerm_role_definition.deploy.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.ci.principal_id
  principal_type     = "ServicePrincipal"
}

# Terraform looks at all that it made.
resource "azurerm_role_assignment" "ci_reads" {
  scope                = azurerm_resource_group.main.id
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.ci.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "ci_images" {
  scope                = azurerm_container_registry.images.id
  role_definition_name = "AcrPush"
  principal_id         = azurerm_user_assigned_identity.ci.principal_id
  principal_type       = "ServicePrincipal"
}

# state.sh made this group: it holds the state of this environment, and nothing else.
resource "azurerm_role_assignment" "ci_state" {
  scope                = "/subscriptions/${var.subscription_id}/resourceGroups/${local.name}-state"
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.ci.principal_id
  principal_type       = "ServicePrincipal"
}
